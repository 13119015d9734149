"""``seglosses evaluate --coco PRED.json GT.json``: average precision, placement, calibration.

Average precision comes from faster-coco-eval or pycocotools; the rest from
:mod:`seglosses.metrics`.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seglosses.evaluate.coco_files import CocoPair, Row, read_json, read_pair
from seglosses.evaluate.coco_precision import average_precision, precision_of
from seglosses.evaluate.detections_page import (
    charts,
    meaning,
    number,
    report,
    said_twice,
    same_said,
    title,
)
from seglosses.evaluate.detections_pictures import image_pairs, worst_detections
from seglosses.metrics.detection import Matches, pool
from seglosses.metrics.detection_calibration import detection_scores
from seglosses.report.cells import write_table
from seglosses.report.figures import write_figures

__all__ = ["average_precision", "evaluate_coco", "run"]


def evaluate_coco(
    predictions: str | Path,
    truth: str | Path,
    *,
    out: str | Path,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.05,
    max_detections: int | None = None,
    images: str | Path | None = None,
    worst: int = 8,
    figures: Sequence[str] = (),
) -> dict[str, float]:
    """Score detections in COCO's result format.

    Args:
        predictions: JSON list of ``image_id, category_id, score`` and ``bbox``, ``segmentation`` or
            both.
        truth: JSON data set.
        out: Folder for ``detections.csv`` (a row per detection), ``summary.json`` and
            ``report.html``.
        iou_threshold: Least IoU of a match, for placement and calibration.
        score_threshold: Detections that do not score more are left out of these two.
        max_detections: How many of each image and class count at most, the best ones; None for all.
            The numbers with COCO in their names have limits of their own.
        images: Folder of the pictures, on which false positives and misses are drawn.
        worst: How many images are drawn.
        figures: Formats in which charts and pictures are written to ``figures/`` too.

    Returns:
        Number by name, as :func:`~seglosses.evaluate.detections_page.meaning` explains them;
        undefined ones are NaN.

    Raises:
        ValueError: when neither faster-coco-eval nor pycocotools is installed, or for what is not
            legal in a file.
    """
    if max_detections is not None and max_detections < 1:
        raise ValueError(f"max_detections must be at least 1, or None, got {max_detections}")
    pair = read_pair(
        read_json(truth), read_json(predictions), predictions=str(predictions), truth=str(truth)
    )
    _check_scores(pair, str(predictions))
    precision = precision_of(pair, max_detections)
    if max_detections is not None:
        pair = replace(pair, found=_best(pair.found, max_detections))
    sides = image_pairs(pair, iou_threshold, score_threshold)
    per_image = {key: one.matches() for key, one in sides.items()}
    matches = pool(list(per_image.values()))
    values = {**precision.values, **detection_scores(matches, iou_threshold=iou_threshold)}
    notes = [*_no_score(pair, str(truth)), *pair.notes, *_remarks(pair, matches, score_threshold)]
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    _write_rows(folder / "detections.csv", pair, per_image)
    shown: dict[str, Any] = {
        name: value if math.isfinite(value) else None for name, value in values.items()
    }
    limit = {} if max_detections is None else {"max_detections": max_detections}
    text = json.dumps({**shown, **limit, "notes": notes}, indent=1)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    names = {one["id"]: one["name"] for one in pair.categories}
    pictures = worst_detections(
        list(sides.values()), names, None if images is None else Path(images), worst
    )
    drawn = charts(precision, matches)
    if figures:
        write_figures(folder / "figures", [*drawn, *pictures], figures)
    (folder / "report.html").write_text(
        report(
            values,
            precision,
            drawn,
            pictures,
            notes,
            f"{Path(predictions).name} against {Path(truth).name}",
        ),
        encoding="utf-8",
    )
    return values


def run(
    predictions: Path,
    truth: Path,
    out: Path,
    *,
    max_detections: int | None = None,
    images: Path | None = None,
    worst: int = 8,
    figures: Sequence[str] = (),
    quiet: bool = False,
) -> int:
    """Evaluate and print.

    Args:
        predictions: JSON of detections.
        truth: JSON data set.
        out: Folder to write to.
        max_detections: See :func:`evaluate_coco`.
        images: See there.
        worst: See there.
        figures: See there.
        quiet: Print the numbers without their meanings.

    Returns:
        Exit status: 0, 1 when there was no object to find.
    """
    values = evaluate_coco(
        predictions,
        truth,
        out=out,
        max_detections=max_detections,
        images=images,
        worst=worst,
        figures=figures,
    )
    twice = said_twice(values)
    width = max(len(title(name)) for name in values)
    for name, value in values.items():
        if name in twice:
            continue
        text = f"{title(name):{width}s} {number(value):>9s}"
        print(text + ("" if quiet else f"   {meaning(name, max_detections)}"))
    if twice:
        print(same_said(sorted(twice), max_detections))
    for note in json.loads((out / "summary.json").read_text(encoding="utf-8"))["notes"]:
        print(f"note: {note}")
    print(f"report: {out / 'report.html'}")
    return int(math.isnan(values["AP"]))


def _check_scores(pair: CocoPair, predictions: str) -> None:
    for place, one in enumerate(pair.found):
        if not 0 <= one["score"] <= 1:
            raise ValueError(
                f"[{place}].score of {predictions}: scores must be in [0, 1], got"
                f" {one['score']:g}; write probabilities, such as the sigmoid of logits"
            )


def _no_score(pair: CocoPair, truth: str) -> list[str]:
    """Why nothing can be said, where there is no object to find."""
    if any(not one["iscrowd"] for one in pair.objects):
        return []
    only = f"{len(pair.objects)} crowd regions and no object" if pair.objects else "no object"
    return [f"no score: {truth} holds {only} in {len(pair.images)} images"]


def _remarks(pair: CocoPair, matches: Matches, score_threshold: float) -> list[str]:
    remarks = []
    if matches.ignored:
        remarks.append(
            f"{matches.ignored} detections lie in crowd regions and are neither right nor wrong"
        )
    low = [one["score"] for one in pair.found if not one["score"] > score_threshold]
    if low:
        remarks.append(
            f"{len(low)} of {len(pair.found)} detections score at most {score_threshold:g} and are"
            " left out of recall, precision, IoU and calibration, not out of average precision"
        )
    return remarks


def _best(rows: list[Row], most: int) -> list[Row]:
    """The detections with the best scores of each image and class."""
    places: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row["image_id"], row["category_id"]].append(place)
    kept = [
        place
        for group in places.values()
        for place in sorted(group, key=lambda index: -rows[index]["score"])[:most]
    ]
    return [rows[place] for place in sorted(kept)]


def _write_rows(path: Path, pair: CocoPair, per_image: dict[int, Matches]) -> None:
    names = {image["id"]: image["name"] for image in pair.images}
    given = {category["id"]: category["given"] for category in pair.categories}
    rows = [
        [names[key], given[int(row[0])], *(f"{value:.6g}" for value in row[1:])]
        for key, found in per_image.items()
        for row in zip(found.label, found.score, found.iou, found.giou, strict=True)
    ]
    write_table(path, ["image", "category_id", "score", "iou", "giou"], rows)
