"""Losses of the rows that heads of detectors hand over: boxes, scores, distributions."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from seglosses.losses.loss import Loss
from seglosses.primitives.checks import check_weight
from seglosses.primitives.reduction import check_reduction, reduce_loss

#: What stands beside the predictions: a tensor of rows, or several of them.
Target = Tensor | tuple[Tensor, ...]


class RowLoss(Loss):
    """Base of losses of rows; those of weight zero may hold anything.

    Attributes:
        weighs_entries: Weights may be those of entries (n, C), not of rows (n,) alone.

    Example:
        >>> class SquaredLoss(RowLoss):
        ...     def compare(self, pred, target):
        ...         return (pred - target).square()
        >>> weight = torch.tensor([1.0, 0.0])
        >>> SquaredLoss()(torch.tensor([1.0, float("nan")]), torch.tensor([3.0, 0.0]), weight)
        tensor(2.)
    """

    weighs_entries: ClassVar[bool] = False

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
            A scalar, or (n,) for 'none'. No rows give a zero with a graph.

        Raises:
            ValueError: for other shapes, and weights that are negative or not finite.
        """
        reduction = self.reduction if reduction_override is None else reduction_override
        check_reduction(reduction)
        self.check(pred, target)
        if weight is not None:
            weight = self.row_weight(weight, pred)
        kept = None
        if weight is not None:
            seen = weight if weight.dim() == 1 else weight.any(1)
            if not bool(seen.all()):
                kept = seen.nonzero().squeeze(1)
        with torch.autocast(pred.device.type, enabled=False):
            p, w = (x if x is None or kept is None else x[kept] for x in (pred, weight))
            assert p is not None
            loss = self.compare(p if p.dtype == torch.float64 else p.float(), _at(target, kept))
            if w is not None:
                w = w.to(loss.dtype)
                check_weight(w)
                # where, not a product alone: an entry of weight zero may hold anything
                loss = loss * w if w.dim() == 1 == loss.dim() else _weighed(loss, w)
            if loss.dim() > 1:
                loss = loss.sum(1)
            if reduction == "none" and kept is not None:
                loss = loss.new_zeros(len(pred)).index_copy(0, kept, loss)
            loss = reduce_loss(loss, avg_factor=avg_factor, reduction=reduction, count=len(pred))
            return self._finish(loss, pred)

    def row_weight(self, weight: Tensor, pred: Tensor) -> Tensor:
        """Hook: weights of rows (n,), or of entries where the loss weighs these."""
        if weight.shape == pred.shape[:1] or (self.weighs_entries and weight.shape == pred.shape):
            return weight
        entries = f" or {tuple(pred.shape)}" if self.weighs_entries else ""
        raise ValueError(f"weight must be ({len(pred)},){entries}, got {tuple(weight.shape)}")


def _at(target: Target, kept: Tensor | None) -> Target:
    if kept is None:
        return target
    return target[kept] if isinstance(target, Tensor) else tuple(each[kept] for each in target)


def _weighed(loss: Tensor, weight: Tensor) -> Tensor:
    weight = weight.view(*weight.shape, *(1,) * (loss.dim() - weight.dim()))
    return torch.where(weight == 0, 0.0, loss * weight)


class BoxLoss(RowLoss):
    """Base of losses of aligned boxes (n, 2d): all lower coordinates, then all upper ones.

    Boxes are decoded, in pixels. Weights may be (n, 2d), of which the mean counts.
    """

    def check(self, pred: Tensor, target: Target) -> None:
        """Refuse what is no pair of boxes a row."""
        shapes = [tuple(pred.shape), tuple(target.shape) if isinstance(target, Tensor) else None]
        if shapes[0] != shapes[1] or pred.dim() != 2 or pred.shape[1] % 2:
            raise ValueError(
                "boxes must be aligned, (n, 4) corners (x1, y1, x2, y2) or (n, 2d), got"
                f" {shapes[0]} and {shapes[1]}; decode box deltas first (reg_decoded_bbox=True)"
            )

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """Loss per pair (n,)."""
        raise NotImplementedError

    def compare(self, pred: Tensor, target: Target) -> Tensor:
        """Compare boxes of one precision."""
        assert isinstance(target, Tensor)
        return self.compute(pred, target.to(pred.dtype))

    def row_weight(self, weight: Tensor, pred: Tensor) -> Tensor:
        """Means of the weights of sides."""
        return super().row_weight(weight.mean(1) if weight.dim() == 2 else weight, pred)
