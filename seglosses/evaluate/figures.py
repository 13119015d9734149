"""Charts of an evaluation, for its report and as files for papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.calibration_columns import diagram_of
from seglosses.evaluate.columns import Column
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.loading import load
from seglosses.evaluate.photos import Photos
from seglosses.evaluate.pictures import headline
from seglosses.evaluate.result import Evaluation
from seglosses.metrics import Bins, Pair
from seglosses.report import charts
from seglosses.report.axes import COLOURS
from seglosses.report.figures import Figure, file_name, panels
from seglosses.report.overlay import error_overlay
from seglosses.report.square import unit_square
from seglosses.report.topology import topology_drawing

Curve: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

DIAGRAMS = {"ece": "all pixels", "ece_boundary": "pixels near true boundaries"}
"""Columns whose sums are a reliability diagram."""


def distribution(evaluation: Evaluation, column: Column) -> Figure:
    """Scores of the images: a histogram of one class, boxes of several.

    Args:
        evaluation: The scores.
        column: The metric.

    Returns:
        A figure.
    """
    classes = evaluation.table.classes
    scores = evaluation.table.matrix(column.name)
    rows = {(row.cls, row.metric): row for row in evaluation.summary}
    if len(classes) == 1:
        row = rows[classes[0], column.name]
        svg = charts.histogram(
            scores, mean=row.mean, low=row.low, high=row.high, label=column.title
        )
        ends = f" [{charts.number(row.low)}, {charts.number(row.high)}]" * (row.low == row.low)
        words = "distribution over images; line and band: mean and its 95 % interval."
        numbers = f"Mean {charts.number(row.mean)}{ends}, n = {row.n} images."
    else:
        svg = charts.boxes(
            {name: scores[:, index].tolist() for index, name in enumerate(classes)},
            label=column.title,
        )
        words = "by class; boxes: quartiles, whiskers: 5 and 95 %, dots: means over images."
        numbers = f"n = {len(evaluation.table)} images, of a class those that define it."
    return Figure(file_name(column.name), svg, f"{column.title}: {words}", numbers)


def diagrams(
    evaluation: Evaluation, column: Column, images: Sequence[str] | None = None
) -> dict[str, Bins]:
    """Reliability diagram of each class.

    Args:
        evaluation: The scores.
        column: One of :data:`DIAGRAMS`.
        images: Images whose bins are added up; None for all.

    Returns:
        By class; one whose bins are all empty is left out.
    """
    table = evaluation.table
    chosen = table.images if images is None else images
    places = np.isin(table.images, chosen)
    parts = column.parts(evaluation.settings.options)
    sums = np.stack([table.matrix(name)[places].sum(axis=0) for name in parts])
    found = {name: diagram_of(sums[:, index]) for index, name in enumerate(table.classes)}
    return {name: bins for name, bins in found.items() if bins.pixels.any()}


def reliability_curve(bins: Bins) -> Curve:
    """The filled bins of a diagram.

    Args:
        bins: Of :func:`diagrams`.

    Returns:
        Mean probability, share of true pixels, and pixels of each.
    """
    filled = bins.pixels > 0
    pixels = bins.pixels[filled]
    return bins.prob[filled] / pixels, bins.target[filled] / pixels, pixels


def reliability_square(curves: Mapping[str, Curve], where: str) -> str:
    """Curves of :func:`reliability_curve` in one diagram.

    Args:
        curves: By the name to show.
        where: Which pixels they are of.

    Returns:
        An SVG element.
    """
    return unit_square(
        {name: (across, up) for name, (across, up, _) in curves.items()},
        axes=("mean probability", "share of true pixels"),
        label=f"reliability of {where}",
        marks={
            name: [
                f"{name}, {int(n)} pixels: probability {x:.3g}, share {y:.3g}"
                for x, y, n in zip(*curve, strict=True)
            ]
            for name, curve in curves.items()
        },
    )


def reliability_diagrams(evaluation: Evaluation) -> list[Figure]:
    """Share of true pixels against mean probability, in the bins of the calibration error.

    Args:
        evaluation: The scores.

    Returns:
        A figure for all pixels and one for those near boundaries, where these are scored; nothing
        without probabilities. Of more classes than there are colours the first are drawn.
    """
    found = []
    for column in evaluation.columns:
        if column.name not in DIAGRAMS:
            continue
        of_classes = diagrams(evaluation, column)
        curves = {name: reliability_curve(bins) for name, bins in of_classes.items()}
        series = dict(list(curves.items())[: len(COLOURS)])
        where = DIAGRAMS[column.name]
        svg = reliability_square(series, where)
        rows = [r for r in evaluation.summary if r.metric == f"{column.name}_dataset"]
        errors = ", ".join(f"{row.cls} {charts.number(row.mean)}" for row in rows[: len(series)])
        left = len(curves) - len(series)
        gone = f" The last {left} of {len(curves)} classes are not drawn." if left else ""
        found.append(
            Figure(
                f"reliability-{file_name(column.name)}",
                svg,
                f"Reliability of {where}: share of true pixels against mean probability in bins; "
                "dashed: equal.",
                f"{column.title}: {errors}; n = {len(evaluation.table)} images.{gone}",
            )
        )
    return found


def pictures(
    evaluation: Evaluation, found: Sequence[tuple[PairFiles, int]], images: Path | None
) -> list[Figure]:
    """Errors of some images, and their topology, as files.

    Args:
        evaluation: The scores.
        found: Files and position of the class, of :func:`seglosses.evaluate.pictures.worst_images`.
        images: Folder with the pictures to draw on.

    Returns:
        Two figures per image.
    """
    photos = Photos(images)
    settings, figures = evaluation.settings, []
    for files, place in found:
        index, name = list(settings.classes.items())[place]
        pred, target = load(files, settings).masks(index)
        photo = photos.of(files.name, pred.shape)
        overlay = error_overlay(Pair(pred, target, connectivity=settings.connectivity), photo)
        row = evaluation.table.images.index(files.name)
        scores = ", ".join(
            f"{c.title} {charts.number(float(evaluation.table.matrix(c.name)[row, place]))}"
            for c in headline(evaluation)
        )
        label = f"{files.name}, class {name}"
        words = "right (white), missing (blue) and spurious (orange) pixels"
        figures.append(
            Figure(
                file_name("errors", files.name, name),
                panels([(label, overlay)], label=label, width=360),
                f"{label}: {words}. {scores}.",
            )
        )
        drawing = topology_drawing(
            pred, target, photo, connectivity=settings.connectivity, title=label
        )
        figures.append(
            Figure(
                file_name("topology", files.name, name),
                drawing.svg(),
                f"{label}: matched, missing and spurious components and loops, and both barcodes.",
            )
        )
    return figures
