"""DIoU-NMS for MMDetection, which looks up ``nms=dict(type=...)`` by name inside of mmcv.

mmcv has no registry for it: the name is evaluated in the module ``mmcv.ops.nms``. Importing this
file puts ``diou_nms`` there, so a config says::

    custom_imports = dict(imports=['seglosses.hosts.openmmlab.nms'])
    model = dict(test_cfg=dict(nms=dict(type='diou_nms', iou_threshold=0.6, beta=1.0)))
"""

from __future__ import annotations

import importlib

import torch
from torch import Tensor

from seglosses.primitives import suppression


def diou_nms(
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float,
    beta: float = 1.0,
    score_threshold: float = 0.0,
    max_num: int = -1,
) -> tuple[Tensor, Tensor]:
    """:func:`seglosses.primitives.suppression.diou_nms` with the signature of ``mmcv.ops.nms``.

    Args:
        boxes: (n, 4); ``mmcv.ops.batched_nms`` moves boxes of other classes away before.
        scores: (n,).
        iou_threshold: See there.
        beta: See there.
        score_threshold: Boxes that do not score more are left out, if positive.
        max_num: How many boxes to return at most, if positive.

    Returns:
        Boxes with scores (k, 5), and their indices (k,).

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 11], [5, 0, 15, 10]])
        >>> diou_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)[1].tolist()
        [0, 2]
    """
    chosen = torch.arange(len(boxes), device=boxes.device)
    if score_threshold > 0:
        chosen = (scores > score_threshold).nonzero().squeeze(1)
    kept = suppression.diou_nms(
        boxes[chosen], scores[chosen], iou_threshold=iou_threshold, beta=beta
    )
    chosen = chosen[kept][: max_num if max_num > 0 else None]
    return torch.cat([boxes[chosen], scores[chosen].unsqueeze(1)], 1), chosen


def rotated_nms(
    boxes: Tensor, scores: Tensor, iou_threshold: float, labels: Tensor | None = None
) -> Tensor:
    """Greedy suppression of rotated boxes by their exact overlap, by mmcv's compiled operator.

    Args:
        boxes: (n, 5) as (x, y, w, h, angle), the angle in radians in any range.
        scores: (n,).
        iou_threshold: A box goes where it overlaps a better one by more than this.
        labels: (n,); boxes of different classes do not meet. Without them there is one class.

    Returns:
        Indices of the boxes that stay, best first, (k,).

    Raises:
        ValueError: for other shapes.
        ModuleNotFoundError: mmcv was installed without its compiled operators.

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 10, 4, 0], [0, 0, 4, 10, 1.5708], [0, 0, 10, 4, 1.5708]])
        >>> rotated_nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist()  # two names of one box
        [0, 2]
    """
    if boxes.dim() != 2 or boxes.shape[1] != 5 or scores.shape != boxes.shape[:1]:
        raise ValueError(
            "expected boxes (n, 5) as (x, y, w, h, angle) and scores (n,), got"
            f" {tuple(boxes.shape)} and {tuple(scores.shape)}"
        )
    operator = importlib.import_module("mmcv.ops").nms_rotated
    if not len(boxes):
        return torch.zeros(0, dtype=torch.long, device=boxes.device)
    if labels is not None:
        # classes are moved apart, as mmcv's batched NMS does: its own option for them is not
        # heeded on a CPU
        reach = boxes[:, :4].abs().max() * 4 + 1
        boxes = torch.cat([boxes[:, :2] + (labels * reach)[:, None], boxes[:, 2:]], 1)
    kept: Tensor = operator(boxes, scores, iou_threshold)[1]
    return kept[scores[kept].argsort(descending=True, stable=True)]


importlib.import_module("mmcv.ops.nms").__dict__["diou_nms"] = diou_nms
