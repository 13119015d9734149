"""Pictures of the report: which images are worst, what is wrong there, what has no partner."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from seglosses.evaluate.columns import Column
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.loading import load
from seglosses.evaluate.photos import Photos
from seglosses.evaluate.result import Evaluation
from seglosses.evaluate.summary import counted
from seglosses.report import charts
from seglosses.report.legend import error_legend
from seglosses.report.overlay import data_url, error_overlay, worst_slice
from seglosses.report.topology import topology_picture


def headline(evaluation: Evaluation) -> list[Column]:
    """The metrics to show first.

    Args:
        evaluation: The scores.

    Returns:
        Those that columns call a headline; the first six when there is none among them.
    """
    columns = [column for column in evaluation.columns if column.headline]
    return columns or list(evaluation.columns[:6])


def worst_images(evaluation: Evaluation, count: int) -> list[tuple[PairFiles, int]]:
    """Image and class with the worst mean rank over all columns, worst first.

    Ranks make a Dice and a pixel distance comparable; an undefined score does not count, nor does a
    class that no mean holds.

    Args:
        evaluation: The scores.
        count: How many images.

    Returns:
        Files and position of the class, each image once.
    """
    inside = counted(evaluation.table.classes, evaluation.settings.outside)
    total = np.zeros((len(evaluation.table), len(inside)))
    for column in evaluation.columns:
        scores = evaluation.table.matrix(column.name)[:, inside]
        badness = -scores if column.better == "higher" else scores
        fine = np.isfinite(badness)
        _, inverse = np.unique(badness[fine], return_inverse=True)
        total[fine] += inverse / max(int(inverse.max(initial=0)), 1)
    order = np.argsort(-total, axis=None, kind="stable")
    by_name = {files.name: files for files in evaluation.pairs}
    chosen: dict[str, int] = {}
    for place in order:
        row, which = divmod(int(place), len(inside))
        chosen.setdefault(evaluation.table.images[row], inside[which])
        if len(chosen) == count:
            break
    return [(by_name[name], index) for name, index in chosen.items()]


def worst_pictures(
    evaluation: Evaluation, found: Sequence[tuple[PairFiles, int]], images: Path | None
) -> str:
    """Overlays of wrong pixels and structures, with the scores below.

    Args:
        evaluation: The scores.
        found: Files and position of the class, of :func:`worst_images`.
        images: Folder with the pictures to draw on.

    Returns:
        HTML.
    """
    photos = Photos(images, tell=True)
    figures = "".join(_figure(evaluation, files, place, photos) for files, place in found)
    return (
        '<p class="quiet">Worst mean rank over all metrics. Click a picture to enlarge it.</p>'
        f'{error_legend()}<div class="grid half">{figures}</div>'
    )


def _figure(evaluation: Evaluation, files: PairFiles, place: int, photos: Photos) -> str:
    settings = evaluation.settings
    index, name = list(settings.classes.items())[place]
    pair = load(files, settings).pair(index, settings)
    photo = photos.of(files.name, pair.shape)
    overlay = data_url(error_overlay(pair, photo), photo=photo is not None)
    row = evaluation.table.images.index(files.name)
    scores = " · ".join(
        f"{html.escape(column.title)} "
        f"{charts.number(float(evaluation.table.matrix(column.name)[row, place]))}"
        for column in headline(evaluation)
    )
    where = f", slice {worst_slice(pair)}" if len(pair.shape) == 3 else ""
    label = html.escape(f"{files.name}, class {name}{where}")
    plain = ""
    if photo is not None:
        picture = Image.fromarray(photo)
        picture.thumbnail((640, 640))
        plain = f'<img src="{data_url(picture, photo=True)}" alt="{label}, image">'
    kind = ' class="pictures"' if plain else ""
    return (
        f'<figure class="card"><div{kind}>{plain}<img src="{overlay}" alt="{label}, errors"></div>'
        f"<figcaption><b>{label}</b><br>{scores}</figcaption></figure>"
    )


def matchings(
    evaluation: Evaluation, found: Sequence[tuple[PairFiles, int]], images: Path | None
) -> str:
    """Pictures of what corresponds, what is missing and what is spurious, with the barcodes.

    Args:
        evaluation: The scores.
        found: Files and position of the class, of :func:`worst_images`.
        images: Folder with the pictures to draw on.

    Returns:
        HTML.
    """
    photos = Photos(images)
    settings, figures = evaluation.settings, []
    for files, place in found:
        index, name = list(settings.classes.items())[place]
        pred, target = load(files, settings).masks(index)
        photo = photos.of(files.name, pred.shape)
        title = f"{files.name}, class {name}"
        picture = topology_picture(
            pred, target, photo, connectivity=settings.connectivity, title=title
        )
        label = html.escape(title)
        url = data_url(picture, photo=photo is not None)
        figures.append(
            f'<figure class="card"><img src="{url}" alt="{label}, matched and unmatched components'
            f' and loops"><figcaption><b>{label}</b></figcaption></figure>'
        )
    return (
        '<p class="quiet">Betti matching: what belongs together in the union of both masks, and '
        "the bars of both. See also <code>seglosses topology</code>.</p>"
        f'<div class="grid half">{"".join(figures)}</div>'
    )
