"""DIoU-NMS beside mmcv's greedy NMS, on the same boxes of few or many objects."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from speed import Case, peer

from seglosses.primitives.suppression import diou_nms

#: Boxes, and detections per object.
SETTINGS = ((100, 1), (1000, 1), (1000, 20), (10_000, 1), (10_000, 20), (10_000, 100))


def cases() -> Iterator[Case]:
    """What is left of the boxes at an IoU of 0.6."""
    for count, per_object in SETTINGS:
        boxes, scores = _detections(count, per_object)
        missing: list[str] = []
        runs = {"seglosses": lambda b=boxes, s=scores: diou_nms(b, s, iou_threshold=0.6)}
        if greedy := peer("mmcv.ops.nms", missing):
            runs["mmcv"] = lambda b=boxes, s=scores: greedy(b, s, 0.6)[1]
        yield Case(f"{count} boxes, {per_object} per object", runs, missing=tuple(missing))


def _detections(count: int, per_object: int) -> tuple[torch.Tensor, torch.Tensor]:
    objects = -(-count // per_object)
    corner, side = 640 * torch.rand(objects, 2), 4 + 160 * torch.rand(objects, 2)
    which = torch.arange(count) % objects
    moved = corner[which] + 0.1 * torch.randn(count, 2) * side[which]
    return torch.cat([moved, moved + side[which]], 1), torch.rand(count)
