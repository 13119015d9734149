"""How well detections are placed, and whether their scores mean what they say.

Boxes are (x1, y1, x2, y2). A detection is matched greedily, best score first, to the free object of
its image and class that it overlaps most. One that is left over and lies in a crowd region of its
class is neither right nor wrong, as in COCO, and is left out. Average precision is not computed
here: that is the work of pycocotools.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Matches(NamedTuple):
    """Detections with what they were matched to.

    Attributes:
        score: Of each detection, (n,).
        iou: With its object, 0 where there is none, (n,).
        giou: Likewise; -1 where there is none, (n,).
        label: Class of each detection, (n,).
        objects: How many objects there were, crowd regions not among them.
        ignored: How many detections were left out, for they lie in a crowd region.
    """

    score: Array
    iou: Array
    giou: Array
    label: NDArray[np.int64]
    objects: int
    ignored: int = 0


def pairwise_overlaps(boxes: ArrayLike, others: ArrayLike) -> tuple[Array, Array]:
    """IoU and GIoU of all pairs of boxes.

    Args:
        boxes: Corners x1, y1, x2, y2, (n, 4).
        others: Corners of the others, (m, 4).

    Returns:
        IoU and GIoU, (n, m) each; 0 and -1 for two boxes without area.

    Example:
        >>> iou, giou = pairwise_overlaps([[0, 0, 2, 2]], [[0, 0, 2, 4], [4, 0, 6, 2]])
        >>> iou.tolist(), giou.round(3).tolist()  # hull 6 x 2 of which 4 is empty
        ([[0.5, 0.0]], [[0.5, -0.333]])
    """
    a = np.asarray(boxes, np.float64).reshape(-1, 1, 4)
    b = np.asarray(others, np.float64).reshape(1, -1, 4)
    upper, lower = np.minimum(a[..., 2:], b[..., 2:]), np.maximum(a[..., :2], b[..., :2])
    common = np.clip(upper - lower, 0, None).prod(-1)
    areas = [np.clip(x[..., 2:] - x[..., :2], 0, None).prod(-1) for x in (a, b)]
    union = areas[0] + areas[1] - common
    hull = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    whole = np.clip(hull, 0, None).prod(-1)
    iou = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    covered = np.divide(union, whole, out=np.zeros_like(common), where=whole > 0)
    return iou, iou - (1 - covered)


def match(
    boxes: ArrayLike,
    scores: ArrayLike,
    labels: ArrayLike,
    object_boxes: ArrayLike,
    object_labels: ArrayLike,
    *,
    crowd_boxes: ArrayLike = (),
    crowd_labels: ArrayLike = (),
    iou_threshold: float = 0.5,
) -> Matches:
    """Match the detections of one image to its objects.

    Args:
        boxes: (n, 4).
        scores: (n,).
        labels: (n,).
        object_boxes: (m, 4).
        object_labels: (m,).
        crowd_boxes: Regions with many objects, (k, 4). A detection without an object of its own is
            left out where ``iou_threshold`` of its area and more lies in one of its class.
        crowd_labels: (k,).
        iou_threshold: Least IoU of a match.

    Returns:
        The detections in the order of their scores, without those in crowds.

    Raises:
        ValueError: when the lengths differ.

    Example:
        >>> found = match([[0, 0, 2, 2], [0, 0, 2, 3]], [0.6, 0.9], [0, 0], [[0, 0, 2, 4]], [0])
        >>> found.score.tolist(), found.iou.tolist()  # the second takes the object first
        ([0.9, 0.6], [0.75, 0.0])
        >>> found = match([[0, 0, 2, 2]], [0.9], [0], [], [], crowd_boxes=[[0, 0, 9, 9]],
        ...               crowd_labels=[0])
        >>> found.score.tolist(), found.ignored
        ([], 1)
    """
    score = np.asarray(scores, np.float64).ravel()
    label: NDArray[np.int64] = np.asarray(labels, np.int64).ravel()
    found = assign(
        boxes, scores, labels, object_boxes, object_labels,
        crowd_boxes=crowd_boxes, crowd_labels=crowd_labels, iou_threshold=iou_threshold,
    )  # fmt: skip
    order = np.argsort(-score, kind="stable")
    order = order[~found.ignored[order]]
    iou, giou = pairwise_overlaps(boxes, object_boxes)
    partner = found.partner[order]
    hit = partner >= 0
    best, best_giou = np.zeros(len(order)), np.full(len(order), -1.0)
    best[hit], best_giou[hit] = (part[order[hit], partner[hit]] for part in (iou, giou))
    ignored = int(found.ignored.sum())
    return Matches(score[order], best, best_giou, label[order], iou.shape[1], ignored)


class Assignment(NamedTuple):
    """What each detection of an image was matched to.

    Attributes:
        partner: Place of its object, -1 where there is none, (n,).
        ignored: Whether it has no object and lies in a crowd region, (n,).
    """

    partner: NDArray[np.int64]
    ignored: NDArray[np.bool_]


def assign(
    boxes: ArrayLike,
    scores: ArrayLike,
    labels: ArrayLike,
    object_boxes: ArrayLike,
    object_labels: ArrayLike,
    *,
    crowd_boxes: ArrayLike = (),
    crowd_labels: ArrayLike = (),
    iou_threshold: float = 0.5,
) -> Assignment:
    """The object of each detection of an image: the best score chooses first.

    Args:
        boxes: As in :func:`match`.
        scores: As there.
        labels: As there.
        object_boxes: As there.
        object_labels: As there.
        crowd_boxes: As there.
        crowd_labels: As there.
        iou_threshold: As there.

    Returns:
        In the order in which the detections were given.

    Raises:
        ValueError: when the lengths differ.

    Example:
        >>> assign([[0, 0, 2, 2], [0, 0, 2, 3]], [0.6, 0.9], [0, 0], [[0, 0, 2, 4]], [0]).partner
        array([-1,  0])
    """
    score = np.asarray(scores, np.float64).ravel()
    label: NDArray[np.int64] = np.asarray(labels, np.int64).ravel()
    wanted = np.asarray(object_labels, np.int64).ravel()
    iou, _ = pairwise_overlaps(boxes, object_boxes)
    if iou.shape != (len(score), len(wanted)) or len(label) != len(score):
        raise ValueError(
            f"expected a score and a label for each box, got {iou.shape[0]} boxes, {len(score)}"
            f" scores and {len(label)} labels; {iou.shape[1]} objects, {len(wanted)} labels"
        )
    free = np.ones(len(wanted), bool)
    partner = np.full(len(score), -1, np.int64)
    for i in np.argsort(-score, kind="stable"):
        usable = np.where(free & (wanted == label[i]), iou[i], -1.0)
        if len(usable) and usable.max() >= iou_threshold:
            partner[i] = int(usable.argmax())
            free[partner[i]] = False
    inside = _share_inside(np.asarray(boxes, np.float64).reshape(-1, 4), crowd_boxes)
    regions = np.asarray(crowd_labels, np.int64).ravel()
    if inside.shape[1] != len(regions):
        raise ValueError(
            f"expected a label for each crowd region, got {inside.shape[1]} and {len(regions)}"
        )
    inside = np.where(regions == label[:, None], inside, 0.0)
    ignored = (partner < 0) & (inside.max(1, initial=0.0) >= iou_threshold)
    return Assignment(partner, ignored)


def _share_inside(boxes: Array, regions: ArrayLike) -> Array:
    """Share of the area of each box that lies in each region, (n, k)."""
    a, b = boxes[:, None], np.asarray(regions, np.float64).reshape(1, -1, 4)
    upper, lower = np.minimum(a[..., 2:], b[..., 2:]), np.maximum(a[..., :2], b[..., :2])
    common = np.clip(upper - lower, 0, None).prod(-1)
    area = np.broadcast_to(np.clip(a[..., 2:] - a[..., :2], 0, None).prod(-1), common.shape)
    share: Array = np.divide(common, area, out=np.zeros_like(common), where=area > 0)
    return share


def pool(images: Sequence[Matches]) -> Matches:
    """Matches of several images together.

    Args:
        images: Matches of each image, of :func:`match`.

    Returns:
        One set of matches, with the objects of all images.

    Example:
        >>> pool([match([], [], [], [[0, 0, 1, 1]], [0])] * 2).objects
        2
    """
    empty = Matches(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.int64), 0)
    together = [
        np.concatenate(part) for part in zip(*(m[:4] for m in (empty, *images)), strict=True)
    ]
    score, iou, giou, label = together
    counts = [sum(getattr(m, name) for m in images) for name in ("objects", "ignored")]
    return Matches(score, iou, giou, label, *counts)


def placement(matches: Matches) -> dict[str, float]:
    """Share of objects that were found, and IoU and GIoU of the matched boxes.

    Args:
        matches: Of :func:`match` or :func:`pool`.

    Returns:
        ``recall``, ``precision``, ``iou_mean``, ``iou_median``, ``giou_mean``, and ``iou_75``, the
        share of matches of IoU 0.75 and more. NaN where there is nothing to average.

    Example:
        >>> found = match([[0, 0, 2, 3], [5, 5, 6, 6]], [0.9, 0.8], [0, 0], [[0, 0, 2, 4]], [0])
        >>> {name: round(value, 2) for name, value in placement(found).items()}
        {'recall': 1.0, 'precision': 0.5, 'iou_mean': 0.75, 'iou_median': 0.75, 'giou_mean': 0.75,
         'iou_75': 1.0}
    """
    hit = matches.iou > 0
    iou, giou = matches.iou[hit], matches.giou[hit]

    def mean(values: Array) -> float:
        return float(values.mean()) if len(values) else float("nan")

    return {
        "recall": float(hit.sum() / matches.objects) if matches.objects else float("nan"),
        "precision": mean(hit.astype(np.float64)),
        "iou_mean": mean(iou),
        "iou_median": float(np.median(iou)) if len(iou) else float("nan"),
        "giou_mean": mean(giou),
        "iou_75": mean((iou >= 0.75).astype(np.float64)),
    }
