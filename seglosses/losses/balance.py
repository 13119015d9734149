"""Which of several losses trains the network: their gradients at the logits, term by term.

The values of losses say nothing about their weight in the training, their gradients do. One
backward to the logits, not through the network, costs each term about as much as its own backward::

    balance = LossBalance([CrossEntropyLoss(), DiceLoss(), SoftClDiceLoss()], every=50)
    for step in range(steps):
        loss = balance(network(images), labels)   # the sum; every 50th call is measured
        loss.backward()

In MMSegmentation and MMDetection the hook ``seglosses.LossBalanceHook`` does the same.
"""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from seglosses.losses.loss import Loss
from seglosses.primitives.balance import Measured as Measured

LITTLE, MUCH = 0.01, 0.99
AGAINST = -0.2


def measure(step: int, gradients: Mapping[str, Sequence[Tensor | None]]) -> Measured:
    """Norms, shares and angles of gradients.

    Args:
        step: The iteration.
        gradients: By term its gradient at each of the outputs that the terms share; None is zero.

    Returns:
        Numbers; angles of zero gradients are left out.

    Example:
        >>> one, two = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 1.0])
        >>> found = measure(0, {"ce": [one], "dice": [two]})
        >>> found.shares, found.angles
        ({'ce': 0.75, 'dice': 0.25}, {'ce~dice': 90.0})
    """
    names = list(gradients)
    products = [[_product(gradients[a], gradients[b]) for b in names] for a in names]
    norms = [math.sqrt(max(products[i][i], 0.0)) for i in range(len(names))]
    total = sum(norms)
    angles, against = {}, {}
    for i, name in enumerate(names):
        rest = [j for j in range(len(names)) if j != i and norms[j] > 0]
        along = sum(products[i][j] for j in rest)
        length = math.sqrt(max(sum(products[j][k] for j in rest for k in rest), 0.0))
        against[name] = _cosine(along, norms[i] * length)
        for j in rest:
            if j > i and norms[i] > 0:
                cosine = _cosine(products[i][j], norms[i] * norms[j])
                angles[f"{name}~{names[j]}"] = math.degrees(math.acos(cosine))
    return Measured(
        step,
        dict(zip(names, norms, strict=True)),
        {name: norm / total if total else 0.0 for name, norm in zip(names, norms, strict=True)},
        angles,
        against,
    )


def _product(one: Sequence[Tensor | None], two: Sequence[Tensor | None]) -> float:
    total = 0.0
    for first, second in zip(one, two, strict=True):
        if first is not None and second is not None:
            total += float((first.double() * second.double()).sum())
    return total


def _cosine(product: float, lengths: float) -> float:
    return min(max(product / lengths, -1.0), 1.0) if lengths > 0 else float("nan")


@dataclass
class _Term:
    """What is remembered of a term."""

    loss: nn.Module
    share: float = 0.0
    unit_norms: list[float] = field(default_factory=list)
    plain_norms: list[float] = field(default_factory=list)
    little: int = 0
    much: int = 0
    opposed: int = 0
    warned: bool = False


class Balancer:
    """The terms of one head: what was measured, warnings, and weights that follow shares.

    Args:
        terms: The losses by name.
        settle: Measurements after which the weight of a term with a target share is frozen.
        patience: Measurements in a row after which a term is warned of.
        remember: Measurements that are kept.
        where: Words for messages.
    """

    def __init__(
        self,
        terms: Mapping[str, nn.Module],
        *,
        settle: int = 10,
        patience: int = 10,
        remember: int = 1000,
        where: str = "",
    ) -> None:
        for name, value in (("settle", settle), ("patience", patience), ("remember", remember)):
            if value < 1:
                raise ValueError(f"expected {name} of at least 1, got {value}")
        self.terms = {name: _Term(loss, _share(loss)) for name, loss in terms.items()}
        asked = sum(term.share for term in self.terms.values())
        if asked >= 1 or (asked and all(term.share for term in self.terms.values())):
            raise ValueError(
                f"target shares{where} add up to {asked:g} and leave nothing to"
                f" {', '.join(self.terms)}; give at least one term a plain loss_weight, and the"
                " others shares that add up to less than 1"
            )
        self.settle, self.patience, self.where = settle, patience, where
        self.history: deque[Measured] = deque(maxlen=remember)

    @property
    def urgent(self) -> bool:
        """Whether a term with a target share is on and was never measured."""
        return any(
            term.share and not term.unit_norms and _weight(term.loss)
            for term in self.terms.values()
        )

    def add(self, found: Measured, device: torch.device | None = None) -> None:
        """Take a measurement: remember it, warn, and set the weights of terms with shares.

        Args:
            found: Of all terms; where several processes train, norms become their mean, so that
                all of them set the same weights.
            device: Of the logits, for that mean.
        """
        found = _of_all_ranks(found, device)
        self.history.append(found)
        for name, term in self.terms.items():
            weight = _weight(term.loss)
            if found.norms.get(name, 0.0) <= 0 and weight == 0:
                continue  # switched off by its schedule
            self._watch(name, term, found)
        self._follow(found)

    def _watch(self, name: str, term: _Term, found: Measured) -> None:
        share = found.shares.get(name, 0.0)
        active = sum(norm > 0 for norm in found.norms.values())
        term.little = term.little + 1 if share < LITTLE and active else 0
        term.much = term.much + 1 if share > MUCH and len(self.terms) > 1 else 0
        term.opposed = term.opposed + 1 if found.against.get(name, 0.0) < AGAINST else 0
        if term.warned or max(term.little, term.much, term.opposed) < self.patience:
            return
        term.warned = True
        if term.opposed >= self.patience:
            what = "works against the others (cosine below -0.2)"
        elif term.much >= self.patience:
            what = "has more than 99 % of the gradient: the other terms change nothing"
        else:
            what = "has less than 1 % of the gradient: it costs time and changes nothing"
        warnings.warn(
            f"{name}{self.where} {what} at {self.patience} measurements up to iteration"
            f" {found.step}; change its loss_weight, or ask for a share of the gradient,"
            " loss_weight=dict(share=...)",
            stacklevel=2,
        )

    def _follow(self, found: Measured) -> None:
        """Weights of terms with a share, from the mean norms so far; frozen after `settle` of them.

        With P the norm of all terms without a share, and n a term's own at weight one::

            weight = share / (1 - sum of shares) * mean(P) / mean(n)
        """
        plain = sum(
            found.norms.get(name, 0.0) for name, term in self.terms.items() if not term.share
        )
        left = 1 - sum(term.share for term in self.terms.values())
        for name, term in self.terms.items():
            weight, norm = _weight(term.loss), found.norms.get(name, 0.0)
            usable = weight and norm > 0 and math.isfinite(norm) and math.isfinite(plain)
            if not (term.share and usable and len(term.unit_norms) < self.settle):
                continue
            term.unit_norms.append(norm / abs(weight))
            term.plain_norms.append(plain)
            ratio = sum(term.plain_norms) / sum(term.unit_norms)
            if ratio > 0:
                _set_weight(term.loss, term.share / left * ratio)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs, in plain numbers."""
        return {
            "terms": {
                name: {
                    "unit_norms": list(term.unit_norms),
                    "plain_norms": list(term.plain_norms),
                    "weight": _whole(term.loss) if term.share else None,
                    "counts": [term.little, term.much, term.opposed],
                    "warned": term.warned,
                }
                for name, term in self.terms.items()
            }
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another one was.

        Args:
            state: Of :meth:`state_dict`.

        Raises:
            ValueError: It is of other terms.
        """
        given = state["terms"]
        if set(given) != set(self.terms):
            raise ValueError(
                f"expected the state of {', '.join(self.terms)}, got that of {', '.join(given)}"
            )
        for name, term in self.terms.items():
            known = given[name]
            term.unit_norms = [float(value) for value in known["unit_norms"]]
            term.plain_norms = [float(value) for value in known["plain_norms"]]
            term.little, term.much, term.opposed = map(int, known["counts"])
            term.warned = bool(known["warned"])
            if term.share and known["weight"] is not None and term.unit_norms:
                _set_weight(term.loss, float(known["weight"]))


def _of_all_ranks(found: Measured, device: torch.device | None) -> Measured:
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return found
    norms = torch.tensor(list(found.norms.values()), dtype=torch.float32, device=device)
    dist.all_reduce(norms)
    mean = dict(zip(found.norms, (norms / dist.get_world_size()).tolist(), strict=True))
    total = sum(mean.values())
    shares = {name: norm / total if total else 0.0 for name, norm in mean.items()}
    return replace(found, norms=mean, shares=shares)


def _share(loss: nn.Module) -> float:
    if not isinstance(loss, Loss) or loss.weight_schedule is None:
        return 0.0
    share = loss.weight_schedule.share
    if share:
        loss.balanced = True
    return share


def _weight(loss: nn.Module) -> float:
    return float(getattr(loss, "loss_weight", 1.0))


def _whole(loss: nn.Module) -> float:
    assert isinstance(loss, Loss)
    assert loss.weight_schedule is not None
    return float(loss.weight_schedule.value)


def _set_weight(loss: nn.Module, value: float) -> None:
    assert isinstance(loss, Loss)
    loss.set_whole_weight(value)


class LossBalance(nn.Module):
    """The sum of losses, which measures now and then how much each of them trains.

    Args:
        losses: Losses of ``(pred, target)``, ours or anyone's, by name or in a list (then named by
            their ``loss_name`` or class). Those of this package may have a target share of the
            gradient in place of a weight: ``loss_weight=dict(share=0.4)``.
        every: Calls between two measurements; each costs one backward to the logits per term.
        settle: Measurements after which weights of terms with a share are frozen.
        patience: Measurements in a row after which a term with less than 1 % or more than 99 % of
            the gradient, or one that works against the others, is warned of, once.

    Attributes:
        last: What was measured last, None before.
        history: All measurements that are kept, the newest last.

    Raises:
        ValueError: Names repeat, or shares leave nothing to the other terms.

    Example:
        >>> from seglosses.losses import CrossEntropyLoss, DiceLoss
        >>> balance = LossBalance([CrossEntropyLoss(), DiceLoss(loss_weight=2.0)], every=1)
        >>> logits = torch.zeros(1, 2, 4, 4, requires_grad=True)
        >>> loss = balance(logits, torch.eye(4, dtype=torch.long)[None])
        >>> round(sum(balance.last.shares.values()), 6)
        1.0
    """

    def __init__(
        self,
        losses: Mapping[str, nn.Module] | Sequence[nn.Module],
        every: int = 50,
        *,
        settle: int = 10,
        patience: int = 10,
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"expected every of at least 1, got {every}")
        named = dict(losses) if isinstance(losses, Mapping) else _named(losses)
        if not named:
            raise ValueError("expected at least one loss, got none")
        self.losses = nn.ModuleDict({name.replace(".", "_"): one for name, one in named.items()})
        self.every = every
        self.calls = 0
        self._balancer = Balancer(dict(self.losses.items()), settle=settle, patience=patience)

    @property
    def last(self) -> Measured | None:
        """What was measured last."""
        return self.history[-1] if self.history else None

    @property
    def history(self) -> deque[Measured]:
        """Measurements, the newest last."""
        return self._balancer.history

    def forward(self, pred: Tensor, target: Tensor, *more: Any) -> Tensor:
        """The sum of the losses.

        Args:
            pred: Logits, as every loss takes them.
            target: Labels.
            more: Passed on to each loss.

        Returns:
            A scalar.
        """
        values = {name: loss(pred, target, *more) for name, loss in self.losses.items()}
        due = self.calls % self.every == 0 or self._balancer.urgent
        if due and torch.is_grad_enabled() and pred.requires_grad:
            gradients = {name: [gradient_at(value, pred)] for name, value in values.items()}
            self._balancer.add(measure(self.calls, gradients), pred.device)
        if torch.is_grad_enabled():
            self.calls += 1
        return torch.stack([value.reshape(()) for value in values.values()]).sum()

    def set_progress(self, progress: float | None) -> None:
        """Set weights that change during the training, as of a single loss.

        Args:
            progress: Fraction of the training that is done.
        """
        for loss in self.losses.values():
            if isinstance(loss, Loss):
                loss.set_progress(progress)

    def get_extra_state(self) -> dict[str, Any]:
        """Kept in ``state_dict``, so that a checkpoint resumes the balance too."""
        return {"calls": self.calls, **self._balancer.state_dict()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Args:
            state: Of :meth:`get_extra_state`.
        """
        self.calls = int(state["calls"])
        self._balancer.load_state_dict(state)


def gradient_at(value: Tensor, pred: Tensor) -> Tensor | None:
    """Gradient of a loss at the logits; the graph stays for the backward that trains.

    Args:
        value: Of a loss, reduced or not.
        pred: What it was called with.

    Returns:
        A tensor like `pred`; None where the loss does not depend on it.

    Example:
        >>> logits = torch.ones(2, requires_grad=True)
        >>> gradient_at((3 * logits).sum(), logits)
        tensor([3., 3.])
    """
    if not value.requires_grad or not pred.requires_grad:
        return None
    # Gradients of a mean over many pixels vanish in half precision.
    scale = 2.0**16 if pred.dtype == torch.float16 else 1.0
    total = value.float().sum() * scale if scale != 1 else value.sum()
    found = torch.autograd.grad(total, pred, retain_graph=True, allow_unused=True)[0]
    if found is None or scale == 1:
        return found
    return found.float() / scale


def _named(losses: Sequence[nn.Module]) -> dict[str, nn.Module]:
    names = [str(getattr(loss, "loss_name", type(loss).__name__)) for loss in losses]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"two losses are named {', '.join(twice)}; give a dict of names")
    return dict(zip(names, losses, strict=True))
