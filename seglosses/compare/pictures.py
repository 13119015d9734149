"""Images on which one folder beats the other most, side by side, and charts of the differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.compare.cells import signed
from seglosses.compare.comparison import Comparison
from seglosses.compare.paired import Paired, PairedRow
from seglosses.evaluate.columns import Column
from seglosses.evaluate.loading import load
from seglosses.evaluate.photos import Photos
from seglosses.report import charts, plane
from seglosses.report.figures import Figure, file_name, panels
from seglosses.report.overlay import error_overlay

COUNTS = {
    *(
        f"betti{dimension}_{error}"
        for dimension in range(3)
        for error in ("error", "matching_error")
    ),
    "diu",
}


def shown_columns(paired: Paired) -> list[Column]:
    """Metrics with charts of their own: those that reports show first.

    Args:
        paired: The scores.

    Returns:
        Headlines, or the first six where there is none.
    """
    return [column for column in paired.columns if column.headline] or paired.columns[:6]


def gains(paired: Paired, first: str, second: str, by: str | None = None) -> NDArray[np.float64]:
    """How much better the second is on each image and class, in one number.

    Args:
        paired: The scores.
        first: Name of the folder to compare with.
        second: Name of the folder that is compared.
        by: Name of one metric; None for the mean over all metrics, each divided by the root mean
            square of its differences.

    Returns:
        (images, classes), positive where the second is better; NaN where nothing is defined, and
        for classes that no mean holds.

    Raises:
        ValueError: There is no such metric.
    """
    chosen = [column for column in paired.columns if by in (None, column.name)]
    if not chosen:
        names = ", ".join(column.name for column in paired.columns)
        raise ValueError(f"no metric {by!r} to order the images by; expected one of {names}")
    shape = (len(paired.images), len(paired.classes))
    total, count = np.zeros(shape), np.zeros(shape)
    for column in chosen:
        gain = paired.gain(first, second, column.name, column.better)
        known = np.isfinite(gain)
        scale = float(np.sqrt(np.mean(np.square(gain[known])))) if known.any() else 0.0
        total[known] += gain[known] / (scale or 1.0)
        count += known
    out = np.full(shape, np.nan)
    inside = np.isin(np.arange(shape[1]), paired.inside)
    np.divide(total, count, out=out, where=(count > 0) & inside)
    return out


def extremes(gain: NDArray[np.float64], count: int) -> tuple[list[tuple[int, int]], ...]:
    """Where the second wins most, and where it loses most.

    Args:
        gain: Of :func:`gains`.
        count: How many images of each.

    Returns:
        Places (image, class) of wins and of losses, the largest first, each image once.

    Example:
        >>> extremes(np.array([[0.5], [-1.0], [2.0], [np.nan]]), 1)
        ([(2, 0)], [(1, 0)])
    """
    found: tuple[list[tuple[int, int]], ...] = ([], [])
    for places, sign in zip(found, (1, -1), strict=True):
        values = np.where(np.isfinite(gain), sign * gain, -np.inf)
        for flat in np.argsort(-values, axis=None, kind="stable"):
            image, cls = divmod(int(flat), gain.shape[1])
            if len(places) == count or not values[image, cls] > 0:
                break
            if image not in [place[0] for place in places]:
                places.append((image, cls))
    return found


def side_by_side(
    comparison: Comparison,
    pair: tuple[str, str],
    place: tuple[int, int],
    photos: Photos,
) -> Figure:
    """The image, the label, and what is wrong under both folders.

    Args:
        comparison: The scores.
        pair: Names of the two folders.
        place: Image and class.
        photos: Pictures to draw on.

    Returns:
        A figure; its caption has the scores of both.
    """
    paired = comparison.paired
    image, cls = paired.images[place[0]], paired.classes[place[1]]
    photo = None
    pictures: list[tuple[str, Image.Image]] = []
    for name in pair:
        evaluation = paired.evaluations[name]
        settings = evaluation.settings
        files = next(one for one in evaluation.pairs if one.name == image)
        index = list(settings.classes)[place[1]]
        errors = load(files, settings).pair(index, settings)
        if not pictures:
            photo = photos.of(image, errors.shape)
            if photo is not None:
                pictures.append(("image", Image.fromarray(photo)))
        pictures.append((name, error_overlay(errors, photo)))
    texts = []
    for column in shown_columns(paired):
        values = [float(paired.matrix(name, column.name)[place]) for name in pair]
        texts.append(f"{column.title} {charts.number(values[0])} → {charts.number(values[1])}")
    of = f"{image}, {cls}" if len(paired.classes) > 1 else image
    caption = f"{of}, {pair[0]} → {pair[1]}: {' · '.join(texts)}"
    for number, (name, picture) in enumerate(pictures):
        picture.thumbnail((640, 640))
        pictures[number] = (name, picture)
    return Figure(file_name(*pair, image, cls), panels(pictures, label=caption), caption)


def metric_figures(comparison: Comparison, pair: tuple[str, str], column: Column) -> list[Figure]:
    """A metric image by image, and its differences.

    Args:
        comparison: The scores.
        pair: Names of the two folders.
        column: The metric.

    Returns:
        Two figures, whose captions have n and p.
    """
    paired = comparison.paired
    main = next(
        row
        for row in comparison.rows
        if (row.first, row.second) == pair and row.metric == column.name
    )
    before, after = (paired.matrix(name, column.name)[:, paired.inside] for name in pair)
    names = [
        f"{image}, {paired.classes[place]}" if len(paired.classes) > 1 else image
        for image in paired.images
        for place in paired.inside
    ]
    count = column.name in COUNTS
    words = significance(main)
    better = "above" if column.better == "higher" else "below"
    dots = "image and class" if len(paired.classes) > 1 else "image"
    scatter = plane.scatter(
        before.ravel(),
        after.ravel(),
        names=names,
        axes=(f"{column.title}, {pair[0]}", f"{column.title}, {pair[1]}"),
        label=f"{column.title} of each image, {pair[0]} across, {pair[1]} up",
        compress=count,
    )
    # of several classes, each image once: the mean of its differences
    gaps = after - before
    with np.errstate(invalid="ignore"):
        known = np.isfinite(gaps).any(axis=1)
    each = np.array([float(np.nanmean(row)) for row in gaps[known]])
    bars = charts.histogram(
        each,
        mean=main.difference,
        low=main.low,
        high=main.high,
        label=f"{column.title}: {pair[1]} minus {pair[0]}",
        zero=True,
        axis=f"{column.title}: {pair[1]} minus {pair[0]}",
    )
    name = file_name(*pair, column.name)
    return [
        Figure(
            f"{name}-scatter",
            scatter,
            f"{column.title} of each {dots} under {pair[0]} (across) and {pair[1]} (up); "
            f"{better} the dashed line {pair[1]} is better.",
            words,
        ),
        Figure(
            f"{name}-differences",
            bars,
            f"{column.title}: {pair[1]} minus {pair[0]}, by image; line and band: mean and its "
            "95 % interval, dashed: no difference.",
            words,
        ),
    ]


def significance(row: PairedRow) -> str:
    """The numbers of a caption.

    Args:
        row: One metric of one pair.

    Returns:
        Difference, interval, n, p, wins and losses.
    """
    ends = f", 95 % interval {signed(row.low)} to {signed(row.high)}" if row.low == row.low else ""
    return (
        f"Difference {signed(row.difference)}{ends}; n = {row.n} images, better on {row.wins}, "
        f"worse on {row.losses}; {equals(row.p_holm)} (sign flips over images, Holm)."
    )


def equals(p: float) -> str:
    """A p-value in a sentence.

    Args:
        p: In [0, 1].

    Returns:
        A text.

    Example:
        >>> equals(0.0004), equals(0.25)
        ('p <0.001', 'p = 0.250')
    """
    text = charts.p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
