"""Losses of the rows that heads of detectors hand over: boxes, scores, distributions."""

from __future__ import annotations

import math
import warnings
from typing import ClassVar

import torch
from torch import Tensor

from seglosses.losses.hints import refuse_other_boxes, require_tensors
from seglosses.losses.loss import Loss
from seglosses.primitives.attention import may_wait
from seglosses.primitives.checks import check_weight
from seglosses.primitives.device import at_hand
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
        with torch.autocast(pred.device.type, enabled=False), self._attention():
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
            count = len(pred)
            if loss.dim() > 1:
                count *= loss.shape[1] if self.mean_of_entries else 1
                loss = loss if self.keeps_entries else loss.sum(1)
            if reduction == "none" and kept is not None:
                loss = loss.new_zeros(len(pred), *loss.shape[1:]).index_copy(0, kept, loss)
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


_PAIRS = (
    "pairs in bags may be points, offsets or sizes (loss_wh of YOLOv3): keep the library's loss"
    " for these; flatten segments to (n, 2)"
)
_DECODE = "decode box deltas first (reg_decoded_bbox=True)"
#: what has these numbers in place of corners, and what to do
_NO_BOXES = {
    5: "rotated boxes (x, y, w, h, angle) are compared by RotatedIoULoss, GWDLoss, KLDLoss",
    8: "quadrilaterals have no corners that this loss could compare: take their enclosing"
    " boxes, or a loss of MMRotate",
}


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
        refuse_other_boxes(pred, "XYXY")
        refuse_other_boxes(target, "XYXY")
        shapes = [tuple(pred.shape), tuple(target.shape) if isinstance(target, Tensor) else None]
        width = pred.shape[-1] if pred.dim() else 0
        pairs = pred.dim() > 2 and width == 2
        if shapes[0] == shapes[1] and width in (2, 4, 6) and not pairs:
            return
        remedy = _NO_BOXES.get(width, _unpaired(pred, target))
        if pairs:
            remedy = _NO_BOXES[8] if pred.shape[-2] == 4 else _PAIRS
        raise ValueError(
            "boxes must be aligned, (n, 4) corners (x1, y1, x2, y2), (n, 2) segments or (n, 6)"
            f" in space, got {shapes[0]} and {shapes[1]}; {remedy}"
        )

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

    def _looks(self, target: Tensor) -> bool:
        """Whether targets of this call are looked at."""
        watched = self._calls <= 200 and len(target) > 0 and not torch.compiler.is_compiling()
        if not watched or torch._C._are_functorch_transforms_active():
            return False
        self._calls += 1
        # elsewhere than on a CPU to look is a synchronisation
        return at_hand(target) or (self._calls in (2, 20, 200) and may_wait())

    def _look_for_corners(self, target: Tensor) -> None:
        if not self._looks(target):
            return
        low, high = target.detach().chunk(2, 1)
        inverted = int((low > high).any(1).sum())
        # deltas of few boxes may be in order by chance; boxes so near to the origin are not outside
        small = bool((low.amin() < 0) & (target.detach().abs().amax() < 16))
        if not inverted and not small:
            return
        self._calls = 201
        found = f"upper corners below lower ones in {inverted} of {len(target)} targets"
        warnings.warn(
            f"{self.loss_name} compares corners (x1, y1, x2, y2) in pixels, but got"
            f" {found if inverted else 'small targets below zero'}, as box deltas or centres and"
            " sizes have: set reg_decoded_bbox=True in the head (RetinaNet, RPN, Faster R-CNN); a"
            " DETR head gives corners to loss_iou, not to loss_bbox; centres and sizes of"
            " transformers go through center_to_corners_format, those of Ultralytics through"
            " ultralytics.utils.ops.xywh2xyxy",
            stacklevel=5,
        )


def _unpaired(pred: Tensor, target: Target) -> str:
    """What to do with boxes of which only the numbers, or not even these, agree."""
    both = isinstance(target, Tensor) and pred.dim() == target.dim() == 2
    if both and pred.shape[1] == target.shape[1] and len(pred) != len(target):  # type: ignore[union-attr]
        return (
            "match them first and give the pairs, one target for each prediction (the rows of an"
            " assigner, of a matcher's indices or of a foreground mask)"
        )
    return _DECODE


class RotatedBoxLoss(BoxLoss):
    """Base of losses of aligned rotated boxes (n, 5): (x, y, w, h, angle), angle in radians.

    Boxes are decoded, in pixels. Weights may be (n, 5), of which the mean counts.
    """

    def check(self, pred: Tensor, target: Target) -> None:
        """Refuse rows that are not a pair of rotated boxes."""
        refuse_other_boxes(pred, "CXCYWHR")
        refuse_other_boxes(target, "CXCYWHR")
        shapes = [tuple(pred.shape), tuple(target.shape) if isinstance(target, Tensor) else None]
        if shapes[0] != shapes[1] or pred.dim() < 2 or pred.shape[-1] != 5:
            raise ValueError(
                "boxes must be aligned, (n, 5) as (x, y, w, h, angle) with the angle in radians,"
                f" got {shapes[0]} and {shapes[1]}; {self._remedy(pred, target)}"
            )

    @staticmethod
    def _remedy(pred: Tensor, target: Target) -> str:
        if pred.dim() > 1 and pred.shape[-1] == 8:
            return (
                "quadrilaterals become rotated boxes by qbox2rbox of MMRotate, or"
                " QuadriBoxes.convert_to('rbox')"
            )
        if pred.dim() > 1 and pred.shape[-1] == 4:
            return (
                "corners (n, 4) are compared by the losses of straight boxes, or get an angle by"
                " hbox2rbox of MMRotate"
            )
        return _unpaired(pred, target)

    def _look_for_corners(self, target: Tensor) -> None:
        """Large angles are of degrees, and sides below zero of deltas; centres may lie anywhere."""
        if not self._looks(target):
            return
        low = float(target.detach()[:, 2:4].min())
        largest = float(target.detach()[:, 4].abs().max())
        if low < 0:
            said = (
                "got targets with sides below zero, as box deltas have: set reg_decoded_bbox=True"
                " in the head"
            )
        elif 2 * math.pi + 1e-3 < largest < math.inf:
            said = (
                f"takes angles in radians, and got targets of up to {largest:.4g}, as degrees are:"
                " multiply the angles by pi / 180 (detectron2 and OpenCV give degrees; the"
                " conventions oc, le90 and le135 of MMRotate are all in radians)"
            )
        else:
            return
        self._calls = 201
        warnings.warn(f"{self.loss_name} {said}", stacklevel=5)
