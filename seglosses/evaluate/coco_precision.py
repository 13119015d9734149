"""Average precision and recall of COCO, by faster-coco-eval or pycocotools.

Both count the best N detections of each image and class. COCO's published numbers have N = 100, so
that 200 perfect boxes of a class in one image score 0.5; the numbers without "COCO" in their names
have no such limit.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.evaluate.coco_files import CocoPair, Row, read_pair
from seglosses.evaluate.coco_masks import codec

Array = NDArray[np.float64]
PUBLISHED = (1, 10, 100)
"""How many detections per image and class COCO's numbers count at most."""

_SIZES = ("", " small", " medium", " large")
_KINDS = {"bbox": "", "segm": "mask ", "boundary": "boundary "}


@dataclass(frozen=True)
class Precision:
    """Average precisions, by class too, and the curves behind them.

    Attributes:
        values: Number by name.
        classes: AP, AP50 and recall by name of the category: of boxes, all detections.
        curves: Mean precision over classes at the 101 recalls, by IoU: of boxes, all detections.
        limit: How many detections of each image and class counted, where not all did.
    """

    values: dict[str, float]
    classes: dict[str, dict[str, float]] = field(default_factory=dict)
    curves: dict[float, Array] = field(default_factory=dict)
    limit: int | None = None


def average_precision(data: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, float]:
    """AP and AR of boxes, and of masks and their boundaries where both files have masks.

    Args:
        data: A data set in COCO's format.
        found: Results in COCO's format.

    Returns:
        ``AP``, ``AP50``, ``AP75`` of all detections, and the twelve published numbers, of at most
        1, 10 or 100 detections per image and class: ``COCO AP``, ``COCO AP50``, ``COCO AP75``,
        ``COCO AP small``, ``medium``, ``large``, ``COCO AR 1``, ``10``, ``100``, ``COCO AR small``,
        ``medium``, ``large``. Those of masks begin with ``mask``, those of boundaries with
        ``boundary``. NaN where there is no object (pycocotools has -1).

    Raises:
        ValueError: when neither faster-coco-eval nor pycocotools is installed, or for what is not
            legal in a file.
    """
    return precision_of(read_pair(data, found)).values


def precision_of(pair: CocoPair, max_detections: int | None = None) -> Precision:
    """All numbers of a pair that :func:`~seglosses.evaluate.coco_files.read_pair` has read.

    Args:
        pair: Data set and detections.
        max_detections: Limit of the numbers without COCO in their names; None for all detections.

    Returns:
        See :func:`average_precision`.
    """
    kinds = ["bbox"]
    if pair.masks:
        kinds += ["segm", "boundary"] if pair.sizes_known else ["segm"]
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for one in pair.found:
        counts[one["image_id"], one["category_id"]] += 1
    most = max(PUBLISHED[-1], *counts.values()) if counts else PUBLISHED[-1]
    if max_detections is not None:
        most = max_detections
    ours: dict[str, float] = {}
    published: dict[str, float] = {}
    result = Precision(values={}, limit=max_detections)
    for kind in kinds:
        precision, recall = _evaluated(pair, kind, most)
        name = _KINDS[kind]
        ours[f"{name}AP"] = _mean(precision[..., 0, -1])
        if kind == "bbox":
            ours["AP50"] = _mean(precision[0, ..., 0, -1])
            ours["AP75"] = _mean(precision[5, ..., 0, -1])
            _by_class(result, pair, precision[..., 0, -1], recall[..., 0, -1])
        published |= _published(f"COCO {name}", precision[..., 2], recall)
    result.values.update({**ours, **published})
    return result


def backend() -> str:
    """Name of the library that computes average precision: the faster one where installed."""
    return "pycocotools" if _library()[0].__module__.startswith("pycocotools") else (
        "faster-coco-eval"
    )  # fmt: skip


def _library() -> tuple[Any, Any]:
    """The class of a data set and that of its evaluation."""
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError:
        codec()  # says what to install
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        return COCO, COCOeval
    return COCO, COCOeval_faster


def _evaluated(pair: CocoPair, kind: str, most: int) -> tuple[Array, Array]:
    """Precision (IoUs, recalls, classes, sizes, limits) and recall, without recalls.

    The limits are COCO's three and "all"; -1 where there are no objects.
    """
    data_set, evaluation = _library()
    if kind == "boundary":
        evaluation = _of_boundaries(evaluation, pair)
    sides = []
    for rows in (pair.objects, pair.found):
        side = data_set()
        # both libraries write into what they are given
        side.dataset = copy.deepcopy(
            {
                "images": pair.images,
                "categories": [{"id": one["id"], "name": one["name"]} for one in pair.categories],
                "annotations": [_row(one, kind) for one in rows],
            }
        )
        sides.append(side)
    with contextlib.redirect_stdout(io.StringIO()):
        for side in sides:
            side.createIndex()
        evaluator = evaluation(*sides, "segm" if kind == "boundary" else kind)
        limits = sorted({*PUBLISHED, most})
        evaluator.params.maxDets = limits
        evaluator.evaluate()
        evaluator.accumulate()
    shape = (len(evaluator.params.iouThrs), -1, len(pair.categories), len(_SIZES), len(limits))
    precision = np.asarray(evaluator.eval["precision"], np.float64).reshape(shape)
    recall = np.asarray(evaluator.eval["recall"], np.float64).reshape(shape[0], *shape[2:])
    # ours comes last
    order = [limits.index(one) for one in (*PUBLISHED, most)]
    return precision[..., order], recall[..., order]


def _row(one: Row, kind: str) -> Row:
    row = {key: value for key, value in one.items() if key != "segmentation" or kind != "bbox"}
    if kind != "bbox" and "score" in one:
        # of masks, the size of a detection is that of its mask
        row["area"] = float(codec().area(one["segmentation"]))
    return {"iscrowd": 0, **row}


def _published(name: str, precision: Array, recall: Array) -> dict[str, float]:
    values = {
        f"{name}AP": _mean(precision[..., 0]),
        f"{name}AP50": _mean(precision[0, ..., 0]),
        f"{name}AP75": _mean(precision[5, ..., 0]),
    }
    values |= {f"{name}AP{size}": _mean(precision[..., i]) for i, size in enumerate(_SIZES) if i}
    values |= {f"{name}AR {most}": _mean(recall[..., 0, i]) for i, most in enumerate(PUBLISHED)}
    values |= {f"{name}AR{size}": _mean(recall[..., i, 2]) for i, size in enumerate(_SIZES) if i}
    return values


def _mean(values: Array) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else float("nan")


def _by_class(result: Precision, pair: CocoPair, precision: Array, recall: Array) -> None:
    objects = [one["category_id"] for one in pair.objects if not one["iscrowd"]]
    found = [one["category_id"] for one in pair.found]
    names = [category["name"] for category in pair.categories]
    for index, category in enumerate(pair.categories):
        name = category["name"]
        if names.count(name) > 1:
            name = f"{name} ({category['given']})"
        result.classes[name] = {
            "AP": _mean(precision[..., index]),
            "AP50": _mean(precision[0, :, index]),
            "recall": _mean(recall[..., index]),
            "objects": objects.count(category["id"]),
            "detections": found.count(category["id"]),
        }
    for place, iou in ((0, 0.5), (5, 0.75)):
        known = [row for row in precision[place].T if (row > -1).all()]
        if known:
            result.curves[iou] = np.mean(known, 0)


def _of_boundaries(evaluation: Any, pair: CocoPair) -> Any:
    """The evaluation with the lower of mask and boundary IoU; crowds are regions, not objects."""
    sides: list[dict[tuple[int, int], list[Row]]] = []
    for rows in (pair.found, pair.objects):
        sides.append(defaultdict(list))
        for one in rows:
            sides[-1][one["image_id"], one["category_id"]].append(one)

    class Boundaries(evaluation):  # type: ignore[misc]
        def computeIoU(self, imgId: int, catId: int) -> Any:
            whole = super().computeIoU(imgId, catId)
            if len(whole) == 0:
                return whole
            found, objects = (side[int(imgId), int(catId)] for side in sides)
            order = np.argsort([-one["score"] for one in found], kind="mergesort")
            bands = [
                [codec().encode(_band(codec().decode(one["segmentation"]))) for one in side]
                for side in ([found[i] for i in order[: self.params.maxDets[-1]]], objects)
            ]
            edges = codec().iou(*bands, [one["iscrowd"] for one in objects])
            crowd = np.array([one["iscrowd"] for one in objects], bool)
            return np.where(crowd, whole, np.minimum(whole, edges))

    return Boundaries


def _band(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels of a mask within 2 % of the image's diagonal of its boundary."""
    width = max(1, round(0.02 * math.hypot(*mask.shape)))
    inner = ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=width)
    return np.asfortranarray(mask * ~inner)
