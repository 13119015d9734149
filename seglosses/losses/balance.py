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

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seglosses.losses.balancer import Balancer as Balancer
from seglosses.losses.balancer import gradient_at as gradient_at
from seglosses.losses.balancer import measure as measure
from seglosses.losses.loss import Loss
from seglosses.primitives.balance import Measured as Measured


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
            raise ValueError(f"expected every to be at least 1, got {every}")
        named = dict(losses) if isinstance(losses, Mapping) else _named(losses)
        if not named:
            raise ValueError("expected at least one loss, got none")
        plain = {name: name.replace(".", "_") for name in named}  # modules have no dots in names
        if len(set(plain.values())) < len(plain):
            raise ValueError(
                f"expected names that differ in more than dots, got {', '.join(named)}; a dot is"
                " taken for an underscore"
            )
        self.losses = nn.ModuleDict({plain[name]: one for name, one in named.items()})
        self.every = every
        self.calls = 0
        self._balancer = Balancer(dict(self.losses.items()), settle=settle, patience=patience)

    @property
    def last(self) -> Measured | None:
        """What was measured last."""
        return self.history[-1] if self.history else None

    @property
    def history(self) -> list[Measured]:
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

        Raises:
            ValueError: A loss returns something else than one number.
        """
        values = {
            name: _number(name, loss(pred, target, *more)) for name, loss in self.losses.items()
        }
        due = self.calls % self.every == 0 or self._balancer.urgent
        if due and torch.is_grad_enabled() and pred.requires_grad:
            gradients = {name: [gradient_at(value, pred)] for name, value in values.items()}
            self._balancer.add(measure(self.calls, gradients), pred.device)
        if torch.is_grad_enabled():
            self.calls += 1
        return torch.stack(list(values.values())).sum()

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


def _number(name: str, value: Any) -> Tensor:
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.reshape(())
    given = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    raise ValueError(
        f"expected one number of {name}, got {given}; give it reduction='mean', or a module that"
        " picks the number"
    )


def _named(losses: Sequence[nn.Module]) -> dict[str, nn.Module]:
    names = [str(getattr(loss, "loss_name", type(loss).__name__)) for loss in losses]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"two losses are named {', '.join(twice)}; give a dict of names")
    return dict(zip(names, losses, strict=True))
