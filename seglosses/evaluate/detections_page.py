"""The report of detections: numbers, classes, curves, reliability, and what each number means."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

from seglosses.evaluate.coco_precision import PUBLISHED, Precision, backend
from seglosses.evaluate.detections_pictures import shown
from seglosses.metrics.calibration import Bins
from seglosses.metrics.detection import Matches
from seglosses.metrics.detection_calibration import score_bins
from seglosses.report.figures import Figure
from seglosses.report.page import definitions, page, section, table
from seglosses.report.square import unit_square

_MEANING = {
    "recall": "share of objects that were matched",
    "precision": "share of detections that were matched; those in crowd regions do not count",
    "iou_mean": "mean IoU of matched boxes",
    "iou_median": "median IoU of matched boxes",
    "giou_mean": "mean GIoU of matched boxes",
    "iou_75": "share of matched boxes with IoU 0.75 and more",
    "d_ece": "D-ECE: scores against precision, ten bins",
    "la_ece": "LaECE: scores against precision times IoU, 25 bins, mean over classes",
    "kde_ece": "scores against IoU with a Beta kernel, the best 4000 detections",
}
_TITLES = {
    "iou_mean": "mean IoU",
    "iou_median": "median IoU",
    "giou_mean": "mean GIoU",
    "iou_75": "IoU from 0.75 on",
    "d_ece": "D-ECE",
    "la_ece": "LaECE",
    "kde_ece": "KDE-ECE",
}
_SIZES = {"small": "up to 32²", "medium": "32² to 96²", "large": "from 96²"}


def title(name: str) -> str:
    """A number of :func:`~seglosses.evaluate.detections.evaluate_coco` as readers know it.

    Args:
        name: Its name, in ``summary.json``.

    Returns:
        The name that the field uses.

    Example:
        >>> title("giou_mean"), title("COCO AP75"), title("recall")
        ('mean GIoU', 'COCO AP75', 'recall')
    """
    return _TITLES.get(name, name)


def number(value: float) -> str:
    """A number of a table.

    Args:
        value: NaN where there is nothing to count.

    Returns:
        Four digits, or a word.

    Example:
        >>> number(0.5), number(float("nan"))
        ('0.5000', 'undefined')
    """
    return "undefined" if math.isnan(value) else f"{value:.4f}"


def meaning(name: str, most: int | None = None) -> str:
    """What a number of :func:`~seglosses.evaluate.detections.evaluate_coco` means.

    Args:
        name: Its name.
        most: The limit ``max_detections``.

    Returns:
        A line.

    Example:
        >>> meaning("COCO mask AR 10")
        'average recall of masks, over IoU 0.50 to 0.95, at most 10 detections per image and class'
        >>> meaning("recall")
        'share of objects that were matched'
        >>> meaning("AP50", most=1)
        'average precision of boxes, at IoU 0.50, the best detection of each image and class'
    """
    if name in _MEANING:
        return _MEANING[name]
    words = name.removeprefix("COCO ").split()
    of = {"mask": "masks", "boundary": "masks, with the lower of mask and boundary IoU"}
    shape = of.get(words[0], "boxes")
    kind = words[1] if words[0] in of else words[0]
    last = words[-1]
    over = f", at IoU 0.{kind[2:]}" if kind[2:] else ", over IoU 0.50 to 0.95"
    text = f"average {'recall' if kind == 'AR' else 'precision'} of {shape}{over}"
    if last in _SIZES:
        text += f", objects of {_SIZES[last]} pixels"
    if name.startswith("COCO"):
        allowed = last if last.isdigit() else PUBLISHED[-1]
        plural = "" if str(allowed) == "1" else "s"
        return f"{text}, at most {allowed} detection{plural} per image and class"
    if most is None:
        return f"{text}, all detections ({backend()}, without COCO's limit of {PUBLISHED[-1]})"
    return f"{text}, {counted_detections(most)}"


def counted_detections(most: int | None) -> str:
    """Which detections count.

    Args:
        most: The limit ``max_detections``.

    Example:
        >>> counted_detections(None), counted_detections(5)
        ('all detections', 'the best 5 detections of each image and class')
    """
    if most is None:
        return "all detections"
    best = "detection" if most == 1 else f"{most} detections"
    return f"the best {best} of each image and class"


def said_twice(values: Mapping[str, float]) -> list[str]:
    """Names whose numbers COCO's limit of detections leaves as they are: shown once.

    Args:
        values: Numbers by name.

    Returns:
        Names without COCO in them, all or none: no image has more than 100 detections of a class.

    Example:
        >>> said_twice({"AP": 0.5, "COCO AP": 0.5}), said_twice({"AP": 0.5, "COCO AP": 0.25})
        (['AP'], [])
    """
    pairs = [(name, f"COCO {name}") for name in values if f"COCO {name}" in values]
    same = all(repr(values[name]) == repr(values[other]) for name, other in pairs)
    return [name for name, _ in pairs] if same else []


def same_said(names: Sequence[str], most: int | None) -> str:
    """Which numbers are those of COCO.

    Args:
        names: Of :func:`said_twice`.
        most: The limit ``max_detections``.

    Example:
        >>> same_said(["AP", "AP50"], None), same_said(["AP"], 5)
        ("AP, AP50 without COCO's limit of detections: the same", 'AP with at most 5: the same')
    """
    limit = "without COCO's limit of detections" if most is None else f"with at most {most}"
    return f"{', '.join(names)} {limit}: the same"


def report(
    values: Mapping[str, float],
    precision: Precision,
    drawn: Sequence[Figure],
    pictures: Sequence[Figure],
    notes: Sequence[str],
    subtitle: str,
) -> str:
    """The page.

    Args:
        values: Numbers by name.
        precision: Average precision by class, and curves.
        drawn: Of :func:`charts`.
        pictures: Images with most errors.
        notes: Remarks on the files.
        subtitle: What was compared.

    Returns:
        HTML.
    """
    twice = said_twice(values)
    rows = [(title(name), _cell(value)) for name, value in values.items() if name not in twice]
    if twice:
        notes = [*notes, same_said(twice, precision.limit)]
    classes: list[list[str | tuple[str, float]]] = [
        [name, *(_cell(one[key], key) for key in ("AP", "AP50", "recall", "objects", "detections"))]
        for name, one in precision.classes.items()
    ]
    curves, right, overlap = (one.svg for one in drawn)
    remarks = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    sections = [
        *([section("Notes", remarks)] if notes else []),
        section("Numbers", table(["number", "value"], rows, name="numbers", whole=True)),
        section(
            "Classes",
            table(["class", "AP", "AP50", "AR", "objects", "detections"], classes, name="classes"),
        ),
        section(
            "Precision and recall",
            f"<p>Of boxes, {counted_detections(precision.limit)}, mean over classes that have"
            " objects.</p>" + f'<div class="card narrow">{curves}</div>',
        ),
        section(
            "Reliability",
            "<p>Where scores mean what they say, points lie on the dashed line; how many"
            " detections a point stands for is shown under the pointer.</p>"
            f'<div class="grid wide"><div class="card"><b>Precision</b>{right}</div>'
            f'<div class="card"><b>IoU</b>{overlap}</div></div>',
        ),
        section("False positives and missed objects", shown(pictures)),
        section(
            "Meaning",
            definitions([(title(name), meaning(name, precision.limit)) for name in values]),
        ),
    ]
    return page("Detections", html.escape(subtitle), sections)


def charts(precision: Precision, matches: Matches) -> list[Figure]:
    """Precision and recall, and both reliability diagrams.

    Args:
        precision: Average precision by class, and curves.
        matches: Of all images.

    Returns:
        Three figures.
    """
    recalls = np.linspace(0, 1, 101)
    curves = {
        f"IoU {iou:.2f}": (recalls, np.clip(curve, 0, 1)) for iou, curve in precision.curves.items()
    }
    right = (matches.iou > 0).astype(np.float64)
    counts = f"n = {len(matches.score)} detections, {matches.objects} objects."
    return [
        Figure(
            "precision-recall",
            unit_square(curves, axes=("recall", "precision"), label="precision at each recall"),
            f"Precision at each recall, of boxes, {counted_detections(precision.limit)}, mean over "
            "classes that have objects.",
            f"n = {matches.objects} objects.",
        ),
        Figure(
            "reliability-precision",
            _diagram(score_bins(matches.score, right), "share of right detections"),
            "Share of right detections against their mean score, in ten bins; dashed: equal.",
            counts,
        ),
        Figure(
            "reliability-iou",
            _diagram(score_bins(matches.score, matches.iou), "mean IoU"),
            "Mean IoU of detections against their mean score, in ten bins; dashed: equal.",
            counts,
        ),
    ]


def _cell(value: float, key: str = "") -> tuple[str, float]:
    if key in ("objects", "detections"):
        return str(int(value)), value
    return number(value), value


def _diagram(bins: Bins, axis: str) -> str:
    filled = [row for row in zip(*bins, strict=True) if row[0]]
    places = [(score / count, target / count) for count, score, target in filled]
    marks = [
        f"{int(row[0])} detections: score {x:.3g}, {axis} {y:.3g}"
        for row, (x, y) in zip(filled, places, strict=True)
    ]
    series = {"bins": ([x for x, _ in places], [y for _, y in places])}
    return unit_square(
        series,
        axes=("mean score", axis),
        label=f"mean score and {axis} of each bin",
        marks={"bins": marks},
    )
