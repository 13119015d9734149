"""Losses of the rows that heads of detectors hand over: boxes, scores, distributions."""

from __future__ import annotations

import math
import warnings
from typing import ClassVar

import torch
from torch import Tensor

from seglosses.losses.box_words import (
    corner_suspicion,
    require_corners,
    require_rotated,
    rotated_suspicion,
)
from seglosses.losses.hints import require_tensors
from seglosses.losses.loss import Loss
from seglosses.primitives.attention import may_look, may_wait
from seglosses.primitives.checks import check_weight
from seglosses.primitives.device import at_hand, without_autocast
from seglosses.primitives.reduction import check_reduction, reduce_loss

#: What stands beside the predictions: a tensor of rows, or several of them.
Target = Tensor | tuple[Tensor, ...]


class RowLoss(Loss):
    """Base of losses of rows; those of weight zero may hold anything.

    Attributes:
        weighs_entries: Weights may be those of entries (n, C), not of rows (n,) alone.
        in_bags: Rows may lie in bags, (k, m, ...), and 'none' then gives (k, m).
        keeps_entries: 'none' gives the losses of entries (n, C), not their sums.
        mean_of_entries: Without ``avg_factor`` 'mean' divides by entries, not by rows.

    Example:
        >>> class SquaredLoss(RowLoss):
        ...     def compare(self, pred, target):
        ...         return (pred - target).square()
        >>> weight = torch.tensor([1.0, 0.0])
        >>> SquaredLoss()(torch.tensor([1.0, float("nan")]), torch.tensor([3.0, 0.0]), weight)
        tensor(2.)
    """

    weighs_entries: ClassVar[bool] = False
    in_bags: ClassVar[bool] = False
    keeps_entries: ClassVar[bool] = False
    mean_of_entries: ClassVar[bool] = False

    def check(self, pred: Tensor, target: Target) -> None:
        """Hook: raise ``ValueError`` for shapes that are not those of the loss."""

    def compare(self, pred: Tensor, target: Target) -> Tensor:
        """Hook: loss per row (n,), or per row and entry (n, C), of which the sums of rows count.

        Args:
            pred: Rows that count, in float32 or float64.
            target: Beside them, as given.
        """
        raise NotImplementedError

    def forward(
        self,
        pred: Tensor,
        target: Target,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Loss of rows.

        Args:
            pred: n rows, see the class.
            target: n rows, see the class.
            weight: (n,), and more where the class says so; a row of weight zero may hold anything.
            avg_factor: Divisor of 'mean'; without it, the number of rows.
            reduction_override: Wins over ``reduction``.

        Returns:
            A scalar, or (n,) for 'none' unless the class says otherwise. No rows give a zero with a
            graph.

        Raises:
            ValueError: for other shapes, and weights that are negative or not finite.
        """
        reduction = self.reduction if reduction_override is None else reduction_override
        check_reduction(reduction)
        require_tensors(pred, pred if isinstance(target, tuple | list) else target, weight)
        self.check(pred, target)
        given, bags = pred, pred.shape[:-1]
        if self.in_bags and len(bags) != 1:
            assert isinstance(target, Tensor)
            # a bag of bags, or a row by itself
            pred, target = pred.reshape(-1, pred.shape[-1]), target.reshape(-1, target.shape[-1])
            if weight is not None:
                weight = weight.flatten(0, len(bags) - 1) if bags else weight.reshape(1, -1)
                weight = weight.squeeze(1) if weight.shape == (1, 1) else weight
        if weight is not None:
            weight = self.row_weight(weight, pred)
        kept = seen = None
        if weight is not None:
            if not _all_count(weight):
                seen = (weight if weight.dim() == 1 else weight.any(1)) != 0
            if seen is not None and not at_hand(seen):
                pred, target = self.without(~seen, pred, target)
            elif seen is not None and not bool(seen.all()):
                kept = seen.nonzero().squeeze(1)
        with without_autocast(pred.device.type), self._attention():
            p, w = (x if x is None or kept is None else x[kept] for x in (pred, weight))
            assert p is not None
            p, t = p if p.dtype == torch.float64 else p.float(), _at(target, kept)
            loss = self.compare(p, t)
            if self.training:
                self.learn(p.detach(), t, seen if kept is None else None)
            if w is not None:
                w = w.to(loss.dtype)
                if seen is not None:
                    check_weight(w)
                # where, not a product alone: an entry of weight zero may hold anything
                loss = loss * w if w.dim() == 1 == loss.dim() else _weighed(loss, w)
            # not len, of which an exported program would keep the number
            count = pred.shape[0]
            if loss.dim() > 1:
                count *= loss.shape[1] if self.mean_of_entries else 1
                loss = loss if self.keeps_entries else loss.sum(1)
            if reduction == "none" and kept is not None:
                loss = loss.new_zeros(pred.shape[0], *loss.shape[1:]).index_copy(0, kept, loss)
            if reduction == "none" and self.in_bags:
                loss = loss.view(bags)
            loss = reduce_loss(loss, avg_factor=avg_factor, reduction=reduction, count=count)
            return self._finish(loss, given)

    def learn(self, pred: Tensor, target: Target, seen: Tensor | None) -> None:
        """Hook: what the loss remembers of a batch in training, after it was compared.

        Args:
            pred: Rows.
            target: Beside them.
            seen: Which of them count, boolean (n,); ``None`` for all.
        """

    def without(self, gone: Tensor, pred: Tensor, target: Target) -> tuple[Tensor, Target]:
        """Hook: the batch with harmless rows in place of those of weight zero.

        To leave them out, as happens on a CPU, would need their number on the host.
        """
        quiet = [
            each.masked_fill(gone.view(-1, *(1,) * (each.dim() - 1)), 0)
            if each.is_floating_point()
            else each
            for each in (pred, *((target,) if isinstance(target, Tensor) else target))
        ]
        return quiet[0], quiet[1] if isinstance(target, Tensor) else tuple(quiet[1:])

    def row_weight(self, weight: Tensor, pred: Tensor) -> Tensor:
        """Hook: weights of rows (n,), or of entries where the loss weighs these."""
        if weight.shape == pred.shape[:1] or (self.weighs_entries and weight.shape == pred.shape):
            return weight
        entries = f" or {tuple(pred.shape)}" if self.weighs_entries else ""
        raise ValueError(f"weight must be ({len(pred)},){entries}, got {tuple(weight.shape)}")


def _all_count(weight: Tensor) -> bool:
    """Whether one look at the extremes says that no row is left out and no weight is wrong."""
    if not (weight.numel() and weight.is_floating_point() and at_hand(weight)):
        return False
    low, high = (end.item() for end in weight.detach().aminmax())
    return low > 0 and high < math.inf


def _at(target: Target, kept: Tensor | None) -> Target:
    if kept is None:
        return target
    return target[kept] if isinstance(target, Tensor) else tuple(each[kept] for each in target)


def _weighed(loss: Tensor, weight: Tensor) -> Tensor:
    weight = weight.view(*weight.shape, *(1,) * (loss.dim() - weight.dim()))
    return torch.where(weight == 0, 0.0, loss * weight)


class BoxLoss(RowLoss):
    """Base of losses of aligned boxes (n, 2d): all lower coordinates, then all upper ones.

    Boxes are decoded, in pixels; targets that are not, such as the deltas of a head without
    ``reg_decoded_bbox=True``, are told from corners by what they hold, and warned of once. Boxes
    may lie in bags, (k, m, 2d), and a box alone be (2d,). Weights may be (n, 2d), of which the mean
    counts.
    """

    in_bags = True
    # on the class, so that losses pickled by older versions have it
    _calls = 0

    def check(self, pred: Tensor, target: Target) -> None:
        """Refuse rows that are not a pair of boxes."""
        require_corners(pred, target)

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """Loss per pair (n,)."""
        raise NotImplementedError

    def compare(self, pred: Tensor, target: Target) -> Tensor:
        """Compare boxes of one precision."""
        assert isinstance(target, Tensor)
        self._look_for_corners(target)
        return self.compute(pred, target.to(pred.dtype))

    def without(self, gone: Tensor, pred: Tensor, target: Target) -> tuple[Tensor, Target]:
        """The batch with pairs of equal boxes of side one in place of those of weight zero."""
        assert isinstance(target, Tensor)
        unit = torch.ones_like(target)
        unit[:, : target.shape[1] // 2] = 0
        gone = gone.unsqueeze(1)
        return torch.where(gone, unit.to(pred.dtype), pred), torch.where(gone, unit, target)

    def row_weight(self, weight: Tensor, pred: Tensor) -> Tensor:
        """Means of the weights of sides."""
        return super().row_weight(weight.mean(1) if weight.dim() == 2 else weight, pred)

    def _look_for_corners(self, target: Tensor) -> None:
        # a compiler first: to ask for the length would fix the number of boxes of an export
        watched = not torch.compiler.is_compiling() and self._calls <= 200 and len(target) > 0
        if not watched or torch._C._are_functorch_transforms_active():
            return
        self._calls += 1
        # elsewhere than on a CPU to look is a synchronisation
        if not (may_look(target) or (self._calls in (2, 20, 200) and may_wait())):
            return
        if said := self._suspicion(target.detach()):
            self._calls = 201
            warnings.warn(f"{self.loss_name} {said}", stacklevel=5)

    def _suspicion(self, target: Tensor) -> str | None:
        return corner_suspicion(target)


class RotatedBoxLoss(BoxLoss):
    """Base of losses of aligned rotated boxes (n, 5): (x, y, w, h, angle), angle in radians.

    Boxes are decoded, in pixels. Weights may be (n, 5), of which the mean counts.
    """

    def check(self, pred: Tensor, target: Target) -> None:
        """Refuse rows that are not a pair of rotated boxes."""
        require_rotated(pred, target)

    def _suspicion(self, target: Tensor) -> str | None:
        return rotated_suspicion(target)
