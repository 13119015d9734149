"""The gradients of the losses of one head: compared, watched, and weights that follow shares."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from seglosses.losses.loss import Loss
from seglosses.primitives.balance import Measured
from seglosses.primitives.device import widest

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
            wide = widest(first)
            total += float((first.to(wide) * second.to(wide)).sum())
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
    failed: int = 0
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
        remember: Measurements that are kept at most, at least two; beyond, every second of them
            goes, and from then on every second one and the newest are kept, and so on.
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
        self.remember = remember
        self.history: list[Measured] = []
        self.taken, self.stride = 0, 1

    @property
    def urgent(self) -> bool:
        """Whether a term with a target share is on and was never measured, and not in vain."""
        return any(
            term.share and not term.unit_norms and term.failed < self.settle and _weight(term.loss)
            for term in self.terms.values()
        )

    def add(self, found: Measured, device: torch.device | None = None) -> bool:
        """Take a measurement: remember it, warn, and set the weights of terms with shares.

        Where several processes train, each of them calls this at the same steps, and norms become
        the mean of those that measured something, so that all set the same weights.

        Args:
            found: Of all terms; without norms where this process had no output to measure at.
            device: Of the logits, for that mean.

        Returns:
            Whether any process measured something.
        """
        found = _of_all_ranks(found, list(self.terms), device)
        if not found.norms:
            return False
        self._keep(found)
        for name, term in self.terms.items():
            weight = _weight(term.loss)
            if found.norms.get(name, 0.0) <= 0 and weight == 0:
                continue  # switched off by its schedule
            self._watch(name, term, found)
        self._follow(found)
        return True

    def _keep(self, found: Measured) -> None:
        """Every stride-th measurement, and the newest."""
        if (self.taken - 1) % self.stride:
            del self.history[-1:]
        self.history.append(found)
        self.taken += 1
        if len(self.history) > self.remember:
            self.history = self.history[::2]
            self.stride *= 2
            if self.history[-1] is not found:
                self.history.append(found)

    def _watch(self, name: str, term: _Term, found: Measured) -> None:
        share = found.shares.get(name, 0.0)
        active = sum(norm > 0 for norm in found.norms.values())
        growing = isinstance(term.loss, Loss) and abs(_weight(term.loss)) < abs(_whole(term.loss))
        term.little = term.little + 1 if share < LITTLE and active and not growing else 0
        # of two terms the smaller one is warned of
        said = len(self.terms) == 2 and share > 0.5
        term.much = term.much + 1 if share > MUCH and active > 1 and not said else 0
        opposed = found.against.get(name, 0.0) < AGAINST and not said
        term.opposed = term.opposed + 1 if opposed else 0
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
            if not (term.share and weight and len(term.unit_norms) < self.settle):
                continue
            if not all(value > 0 and math.isfinite(value) for value in (norm, plain)):
                self._fail(name, term, found.step, norm, plain)
                continue
            term.unit_norms.append(norm / abs(weight))
            term.plain_norms.append(plain)
            ratio = sum(term.plain_norms) / sum(term.unit_norms)
            _set_weight(term.loss, term.share / left * ratio)

    def _fail(self, name: str, term: _Term, step: int, norm: float, plain: float) -> None:
        """A share that cannot be had now: no gradient of the term or of those without a share."""
        term.failed += 1
        if term.unit_norms or term.failed != self.settle:
            return
        whose = name if not (norm > 0 and math.isfinite(norm)) else "the terms without a share"
        warnings.warn(
            f"{name}{self.where} has no share yet, after {self.settle} measurements up to iteration"
            f" {step}: the gradient of {whose} is {norm if whose == name else plain:g}; its weight"
            f" stays {_weight(term.loss):g} until there is one",
            stacklevel=2,
        )

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs, in plain numbers."""
        return {
            "history": [asdict(one) for one in self.history],
            "taken": self.taken,
            "stride": self.stride,
            "terms": {
                name: {
                    "unit_norms": list(term.unit_norms),
                    "plain_norms": list(term.plain_norms),
                    "weight": _whole(term.loss)
                    if term.share and isinstance(term.loss, Loss)
                    else None,
                    "counts": [term.little, term.much, term.opposed],
                    "failed": term.failed,
                    "warned": term.warned,
                }
                for name, term in self.terms.items()
            },
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
        # checkpoints of earlier versions have none
        self.history = [Measured(**one) for one in state.get("history", ())]
        self.taken = int(state.get("taken", len(self.history)))
        self.stride = int(state.get("stride", 1))
        for name, term in self.terms.items():
            known = given[name]
            term.unit_norms = [float(value) for value in known["unit_norms"]]
            term.plain_norms = [float(value) for value in known["plain_norms"]]
            term.little, term.much, term.opposed = map(int, known["counts"])
            term.failed = int(known.get("failed", 0))
            term.warned = bool(known["warned"])
            if term.share and known["weight"] is not None and term.unit_norms:
                _set_weight(term.loss, float(known["weight"]))


def _of_all_ranks(found: Measured, names: Sequence[str], device: torch.device | None) -> Measured:
    """With the mean norms of the processes that measured, without any where none did."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return found
    mine = [found.norms.get(name, 0.0) for name in names]
    sums = torch.tensor([*mine, float(bool(found.norms))], dtype=torch.float32, device=device)
    dist.all_reduce(sums)
    *norms, count = sums.tolist()
    if not count:
        return found
    mean = {name: norm / count for name, norm in zip(names, norms, strict=True)}
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


def _whole(loss: Loss) -> float:
    """The weight that it has in the end."""
    schedule = loss.weight_schedule
    return float(loss.loss_weight if schedule is None else schedule.value)


def _set_weight(loss: nn.Module, value: float) -> None:
    assert isinstance(loss, Loss)
    loss.set_whole_weight(value)


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
    if pred.dtype != torch.float16:
        return torch.autograd.grad(value.sum(), pred, retain_graph=True, allow_unused=True)[0]
    # In half precision gradients of a mean over many pixels vanish, and scaled ones of a sum
    # overflow.
    for scale in (2.0**16, 2.0**8, 1.0):
        total = value.float().sum() * scale
        found = torch.autograd.grad(total, pred, retain_graph=True, allow_unused=True)[0]
        if found is None or bool(found.isfinite().all()):
            break
    return None if found is None else found.float() / scale
