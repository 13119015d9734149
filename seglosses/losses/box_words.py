"""What heads and frameworks give in place of boxes, and what to do about it."""

from __future__ import annotations

import math

from torch import Tensor

_PAIRS = (
    "pairs in bags may be points, offsets or sizes (loss_wh of YOLOv3): keep the library's loss"
    " for these; flatten segments to (n, 2)"
)
_DECODE = "decode box deltas first (reg_decoded_bbox=True)"
_UNMATCHED = (
    "match them first and give the pairs, one target for each prediction (the rows of an assigner,"
    " of a matcher's indices or of a foreground mask)"
)
#: what has these numbers in place of corners, and what to do
_NO_BOXES = {
    5: "rotated boxes (x, y, w, h, angle) are compared by RotatedIoULoss, GWDLoss, KLDLoss",
    8: "quadrilaterals have no corners that this loss could compare: take their enclosing"
    " boxes, or a loss of MMRotate",
}
#: the same in place of rotated boxes
_NOT_ROTATED = {
    4: "corners (n, 4) are compared by the losses of straight boxes, or get an angle by hbox2rbox"
    " of MMRotate",
    8: "quadrilaterals become rotated boxes by qbox2rbox of MMRotate, or"
    " QuadriBoxes.convert_to('rbox')",
}


def require_corners(pred: Tensor, target: object) -> None:
    """Raise ``ValueError`` for anything but pairs of straight boxes.

    Args:
        pred: Should be (n, 2d), or bags of them.
        target: Should be of that shape.

    Raises:
        ValueError: naming both shapes and the remedy.

    Example:
        >>> import torch
        >>> require_corners(torch.zeros(3, 4), torch.zeros(3, 4))
    """
    _refuse_other(pred, "XYXY")
    _refuse_other(target, "XYXY")
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


def require_rotated(pred: Tensor, target: object) -> None:
    """Raise ``ValueError`` for anything but pairs of rotated boxes.

    Args:
        pred: Should be (n, 5).
        target: Should be of that shape.

    Raises:
        ValueError: naming both shapes and the remedy.

    Example:
        >>> import torch
        >>> require_rotated(torch.zeros(3, 5), torch.zeros(3, 5))
    """
    _refuse_other(pred, "CXCYWHR")
    _refuse_other(target, "CXCYWHR")
    shapes = [tuple(pred.shape), tuple(target.shape) if isinstance(target, Tensor) else None]
    width = pred.shape[-1] if pred.dim() > 1 else 0
    if shapes[0] == shapes[1] and width == 5:
        return
    raise ValueError(
        "boxes must be aligned, (n, 5) as (x, y, w, h, angle) with the angle in radians,"
        f" got {shapes[0]} and {shapes[1]}; {_NOT_ROTATED.get(width, _unpaired(pred, target))}"
    )


def corner_suspicion(target: Tensor) -> str | None:
    """What targets hold that corners in pixels do not.

    Args:
        target: (n, 2d), without a graph.

    Returns:
        What they look like and what to do, None where they look like corners.

    Example:
        >>> import torch
        >>> corner_suspicion(torch.tensor([[1.0, 1.0, 4.0, 4.0]])) is None
        True
    """
    low, high = target.chunk(2, 1)
    wrong = low > high
    inverted = bool(wrong.any())
    # deltas of few boxes may be in order by chance; boxes so near to the origin are not outside
    small = not inverted and bool(low.amin() < 0) and bool(target.abs().amax() < 16)
    if not inverted and not small:
        return None
    count = int(wrong.any(1).sum()) if inverted else 0
    found = f"upper corners below lower ones in {count} of {len(target)} targets"
    return (
        "compares corners (x1, y1, x2, y2) in pixels, but got"
        f" {found if inverted else 'small targets below zero'}, as box deltas or centres and"
        " sizes have: set reg_decoded_bbox=True in the head (RetinaNet, RPN, Faster R-CNN); a"
        " DETR head gives corners to loss_iou, not to loss_bbox; centres and sizes of"
        " transformers go through center_to_corners_format, those of Ultralytics through"
        " ultralytics.utils.ops.xywh2xyxy"
    )


def rotated_suspicion(target: Tensor) -> str | None:
    """What targets hold that rotated boxes in pixels and radians do not; centres lie anywhere.

    Args:
        target: (n, 5), without a graph.

    Returns:
        What they look like and what to do, None where they look like rotated boxes.

    Example:
        >>> import torch
        >>> rotated_suspicion(torch.tensor([[1.0, 1.0, 4.0, 4.0, 90.0]]))[:52]
        'takes angles in radians, and got targets of up to 90'
    """
    # what is infinite is broken in another way
    if -math.inf < float(target[:, 2:4].min()) < 0:
        return (
            "compares boxes in pixels, but got targets with sides below zero, as box deltas have:"
            " set reg_decoded_bbox=True in the head"
        )
    largest = float(target[:, 4].abs().max())
    # conventions end at pi; who counts on for a turn or two is not in degrees
    if not 4 * math.pi < largest < math.inf:
        return None
    return (
        f"takes angles in radians, and got targets of up to {largest:.4g}, as degrees are:"
        " multiply the angles by pi / 180 (detectron2 and OpenCV give degrees; the"
        " conventions oc, le90 and le135 of MMRotate are all in radians)"
    )


def _refuse_other(boxes: object, format: str) -> None:
    """Raise ``ValueError`` for boxes of torchvision that say they are of another format."""
    # torchvision's BoundingBoxes are tensors, and would be compared as if they were corners
    if type(boxes) is Tensor or not isinstance(boxes, Tensor):
        return
    stated = getattr(getattr(boxes, "format", None), "name", format)
    if stated != format:
        raise ValueError(
            f"these {type(boxes).__name__} are of the format {stated}, and {format} is compared:"
            " torchvision.transforms.v2.functional.convert_bounding_box_format(boxes,"
            f" new_format='{format}')"
        )


def _unpaired(pred: Tensor, target: object) -> str:
    """What to do with boxes of which only the numbers, or not even these, agree."""
    if not isinstance(target, Tensor) or pred.dim() != 2 or len(pred) == len(target):
        return _DECODE
    return _UNMATCHED if pred.shape[1:] == target.shape[1:] else _DECODE
