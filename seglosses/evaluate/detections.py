"""``seglosses evaluate --coco PRED.json GT.json``: average precision, placement, calibration.

Average precision comes from pycocotools; the rest from :mod:`seglosses.metrics`.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import html
import io
import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.metrics.calibration import Bins
from seglosses.metrics.detection import Matches, match, pool
from seglosses.metrics.detection_calibration import detection_scores, score_bins
from seglosses.report.page import definitions, page, section, table
from seglosses.report.plane import points

MEANING = {
    "AP": "average precision of boxes, over IoU 0.50 to 0.95 (pycocotools)",
    "AP50": "average precision of boxes at IoU 0.50",
    "AP75": "average precision of boxes at IoU 0.75",
    "mask AP": "average precision of masks, over IoU 0.50 to 0.95 (pycocotools)",
    "boundary AP": "as mask AP, with the lower of mask and boundary IoU (band: 2 % of diagonal)",
    "recall": "share of objects that were matched",
    "precision": "share of detections that were matched",
    "iou_mean": "mean IoU of matched boxes",
    "iou_median": "median IoU of matched boxes",
    "giou_mean": "mean GIoU of matched boxes",
    "iou_75": "share of matched boxes with IoU 0.75 and more",
    "d_ece": "D-ECE: scores against precision, ten bins",
    "la_ece": "LaECE: scores against precision times IoU, 25 bins, mean over classes",
    "kde_ece": "scores against IoU with a Beta kernel, the best 4000 detections",
}


def evaluate_coco(
    predictions: str | Path,
    truth: str | Path,
    *,
    out: str | Path,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.05,
) -> dict[str, float]:
    """Score detections in COCO's result format.

    Args:
        predictions: JSON list of ``image_id, category_id, bbox, score`` and, for masks,
            ``segmentation``.
        truth: JSON data set.
        out: Folder for ``detections.csv`` (a row a detection), ``summary.json`` and
            ``report.html``.
        iou_threshold: Least IoU of a match, for placement and calibration.
        score_threshold: Detections that do not score more are left out of these two.

    Returns:
        Number by name, as :data:`MEANING` explains them; undefined ones are NaN.

    Raises:
        ValueError: when pycocotools is missing, or a file is not of these formats.
    """
    with open(truth, encoding="utf-8") as file:
        data = json.load(file)
    with open(predictions, encoding="utf-8") as file:
        found = json.load(file)
    _check(data, found, predictions, truth)
    per_image = _match(data, found, iou_threshold, score_threshold)
    matches = pool(list(per_image.values()))
    values = {**average_precision(data, found), **detection_scores(matches)}
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    _write_rows(folder / "detections.csv", data, per_image)
    shown = {name: value if math.isfinite(value) else None for name, value in values.items()}
    (folder / "summary.json").write_text(json.dumps(shown, indent=1) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(
        _report(values, matches, f"{predictions} against {truth}"), encoding="utf-8"
    )
    return values


def run(predictions: Path, truth: Path, out: Path, *, quiet: bool = False) -> int:
    """Evaluate, print, and return 0.

    Args:
        predictions: JSON of detections.
        truth: JSON data set.
        out: Folder to write to.
        quiet: Print the numbers without their meanings.

    Returns:
        Exit status.
    """
    values = evaluate_coco(predictions, truth, out=out)
    for name, value in values.items():
        print(f"{name:12s} {value:8.4f}" + ("" if quiet else f"   {MEANING[name]}"))
    print(f"report: {out / 'report.html'}")
    return 0


def average_precision(data: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, float]:
    """AP of boxes, and of masks and their boundaries where both files have masks.

    Args:
        data: A data set in COCO's format.
        found: Results in COCO's format.

    Returns:
        ``AP``, ``AP50``, ``AP75``, and those of masks where there are any; NaN without objects.

    Raises:
        ValueError: when pycocotools is missing.
    """
    try:
        from pycocotools.coco import COCO
    except ImportError:
        raise ValueError("average precision needs pycocotools: pip install pycocotools") from None
    kinds = ["bbox"]
    masks = all("segmentation" in a for a in data["annotations"]) and data["annotations"]
    if masks and found and all("segmentation" in one for one in found):
        kinds += ["segm", "boundary"]
    if not found:
        names = ("AP", "AP50", "AP75")
        return dict.fromkeys(names, 0.0 if data["annotations"] else float("nan"))
    values: dict[str, float] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        # pycocotools writes into what it is given
        api.dataset = copy.deepcopy({"info": {}, "licenses": [], **data})
        for one in api.dataset["annotations"]:
            one.setdefault("area", one["bbox"][2] * one["bbox"][3])
            one.setdefault("iscrowd", 0)
        api.createIndex()
        for kind in kinds:
            # a box given beside a mask would be taken for a box alone
            drop = ("segmentation",) if kind == "bbox" else ("bbox",)
            results = [{k: v for k, v in one.items() if k not in drop} for one in found]
            for one in results:
                if isinstance(one.get("segmentation"), dict):
                    one["segmentation"] = _packed(one["segmentation"])
            evaluator = _evaluator(api, api.loadRes(copy.deepcopy(results)), kind)
            most = max(len(list(m)) for m in _per_image(found).values())
            evaluator.params.maxDets = [1, 100, max(100, most)]
            evaluator.evaluate()
            evaluator.accumulate()
            precision = evaluator.eval["precision"][:, :, :, 0, -1]
            name = {"bbox": "AP", "segm": "mask AP", "boundary": "boundary AP"}[kind]
            values[name] = _mean(precision)
            if kind == "bbox":
                values["AP50"], values["AP75"] = _mean(precision[0]), _mean(precision[5])
    return values


def _packed(runs: dict[str, Any]) -> dict[str, Any]:
    """Run lengths as pycocotools wants them of results: compressed."""
    from pycocotools import mask as codec

    if not isinstance(runs["counts"], list):
        return runs
    packed: dict[str, Any] = codec.frPyObjects(runs, *runs["size"])
    return packed


def _mean(precision: NDArray[np.float64]) -> float:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")


def _evaluator(api: Any, results: Any, kind: str) -> Any:
    from pycocotools import mask as codec
    from pycocotools.cocoeval import COCOeval

    if kind != "boundary":
        return COCOeval(api, results, kind)

    class BoundaryEval(COCOeval):  # type: ignore[misc]
        def computeIoU(self, imgId: int, catId: int) -> Any:
            whole = super().computeIoU(imgId, catId)
            if len(whole) == 0:
                return whole
            objects, masks = self._gts[imgId, catId], self._dts[imgId, catId]
            order = np.argsort([-one["score"] for one in masks], kind="mergesort")
            masks = [masks[i] for i in order][: self.params.maxDets[-1]]
            bands = [
                [codec.encode(_band(codec.decode(one["segmentation"]))) for one in side]
                for side in (masks, objects)
            ]
            edges = codec.iou(bands[0], bands[1], [int(one["iscrowd"]) for one in objects])
            return np.minimum(whole, edges)

    return BoundaryEval(api, results, "segm")


def _band(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels of a mask within 2 % of the image's diagonal of its boundary."""
    width = max(1, round(0.02 * math.hypot(*mask.shape)))
    inner = ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=width)
    return np.asfortranarray(mask * ~inner)


def _per_image(rows: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["image_id"]].append(row)
    return groups


def _check(data: Any, found: Any, predictions: str | Path, truth: str | Path) -> None:
    if not isinstance(data, dict) or not {"images", "annotations", "categories"} <= set(data):
        raise ValueError(
            f"expected a COCO data set with images, annotations and categories in {truth}"
        )
    needed = {"image_id", "category_id", "bbox", "score"}
    if not isinstance(found, list) or any(not needed <= set(one) for one in found):
        raise ValueError(
            f"expected a list of detections with {', '.join(sorted(needed))} in {predictions}"
        )
    known = {image["id"] for image in data["images"]}
    strange = sorted({one["image_id"] for one in found} - known, key=str)
    if strange:
        raise ValueError(
            f"{len(strange)} images of {predictions} are not in {truth}: {strange[:5]}"
        )


def _match(
    data: dict[str, Any], found: list[dict[str, Any]], iou_threshold: float, score_threshold: float
) -> dict[Any, Matches]:
    objects = _per_image([one for one in data["annotations"] if not one.get("iscrowd", 0)])
    detections = _per_image([one for one in found if one["score"] > score_threshold])
    return {
        image["id"]: match(
            _corners(detections[image["id"]]),
            [one["score"] for one in detections[image["id"]]],
            [one["category_id"] for one in detections[image["id"]]],
            _corners(objects[image["id"]]),
            [one["category_id"] for one in objects[image["id"]]],
            iou_threshold=iou_threshold,
        )
        for image in data["images"]
    }


def _corners(rows: list[dict[str, Any]]) -> NDArray[np.float64]:
    boxes = np.array([one["bbox"] for one in rows], np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)


def _write_rows(path: Path, data: dict[str, Any], per_image: dict[Any, Matches]) -> None:
    names = {image["id"]: image.get("file_name", image["id"]) for image in data["images"]}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "category_id", "score", "iou", "giou"])
        for key, found in per_image.items():
            for row in zip(found.label, found.score, found.iou, found.giou, strict=True):
                writer.writerow([names[key], int(row[0]), *(f"{value:.6g}" for value in row[1:])])


def _report(values: dict[str, float], matches: Matches, subtitle: str) -> str:
    rows = [(name, (f"{value:.4f}", value)) for name, value in values.items()]
    right = (matches.iou > 0).astype(np.float64)
    sections = [
        section("Numbers", table(["number", "value"], rows, name="numbers")),
        section(
            "Reliability",
            "<p>Where scores mean what they say, points lie where both axes agree.</p>"
            "<h3>Precision</h3>"
            + _diagram(score_bins(matches.score, right), "share of right detections")
            + "<h3>IoU</h3>"
            + _diagram(score_bins(matches.score, matches.iou), "mean IoU"),
        ),
        section("Meaning", definitions([(name, MEANING[name]) for name in values])),
    ]
    return page("Detections", html.escape(subtitle), sections)


def _diagram(bins: Bins, axis: str) -> str:
    series = {
        f"{int(count)} detections": (score / count, target / count, float("nan"), float("nan"))
        for count, score, target in zip(*bins, strict=True)
        if count
    }
    return points(series, axes=("mean score", axis), label=f"mean score and {axis} of each bin")
