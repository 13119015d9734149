"""Figures of a setting: distributions, losses image by image, cost, and what is wrong where."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seglosses.benchmark.comparison import Row, Stat, macro
from seglosses.benchmark.results import METRICS, Scores
from seglosses.benchmark.settings import SETS, Setting
from seglosses.evaluate.mortar_folder import error_picture
from seglosses.evaluate.spread import nanmean
from seglosses.report import page, plane
from seglosses.report.charts import number, p_value
from seglosses.report.figures import Figure, file_name
from seglosses.report.legend import error_legend
from seglosses.report.overlay import data_url

SHOWN = 4
_COUNTS = ("Betti0Error", "Betti1Error")


TESTS: dict[Stat, str] = {
    "image": "sign flips over images, Holm",
    "paper": "one-sided sign flips over images x seeds, uncorrected",
}
"""What a p in a caption is of."""


def image_figures(
    setting: Setting, metrics: Sequence[str], rows: Sequence[Row], stat: Stat
) -> list[tuple[str, Figure]]:
    """Distributions of the Betti errors, and every loss against the baseline.

    Args:
        setting: The losses and images.
        metrics: Names of the metrics, in the order of the scores' last axis.
        rows: Of the setting, for the captions.
        stat: Their protocol.

    Returns:
        Heading and figure of each.
    """
    found = []
    base = setting.baseline
    others = [one for one in setting.losses[1:] if one.image_size == base.image_size]
    tested = {(row.set, row.metric, row.loss): row for row in rows}
    for metric in (name for name in metrics if name in _COUNTS):
        place = list(metrics).index(metric)
        title = METRICS[metric].title
        lines = {one.loss: nanmean(one.values[..., place], axis=0) for one in setting.losses}
        runs = ", ".join(f"{one.loss} {len(one.seeds)}" for one in setting.losses)
        count = f"n = {len(base.images)} images, seeds averaged (runs: {runs})."
        curve = plane.shares(lines, axis=title, label=f"{title}: ECDF of each loss", compress=True)
        figure = Figure(
            file_name(setting.name, metric, "shares"),
            curve,
            f"{title}: share of images up to a number of errors, {setting.name}.",
            count,
        )
        found.append((f"{title}: share of images with at most so many", figure))
        for one in others:
            label = f"{title} of each image, {base.loss} across, {one.loss} up"
            chart = plane.scatter(
                lines[base.loss],
                lines[one.loss],
                names=base.images,
                axes=(f"{title}, {base.loss}", f"{title}, {one.loss}"),
                label=label,
                compress=True,
            )
            sets = [tested[key] for s in SETS if (key := (s, metric, one.loss)) in tested]
            numbers = [
                f"{row.set}: n = {row.images} images, p {_equal(row.p)} ({TESTS[stat]})"
                for row in sets
            ]
            figure = Figure(
                file_name(setting.name, metric, one.loss),
                chart,
                f"{label}; below the dashed line {one.loss} makes fewer errors, {setting.name}.",
                f"{'; '.join(numbers)}; {len(one.seeds)} run{'s averaged' * (len(one.seeds) > 1)}.",
            )
            found.append((f"{title}: {one.loss}", figure))
    return found


def _equal(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def image_charts(figures: Sequence[tuple[str, Figure]]) -> str:
    """The figures as HTML.

    Args:
        figures: Of :func:`image_figures`.

    Returns:
        HTML.
    """
    if not figures:
        return '<p class="quiet">no Betti errors among the metrics</p>'
    cards = "".join(
        f'<div class="card"><b>{html.escape(heading)}</b>{one.svg}'
        f'<p class="quiet"><small>{html.escape(one.numbers)}</small></p></div>'
        for heading, one in figures
    )
    return (
        '<p class="quiet">Seeds averaged. A dot is an image; below the dashed line the loss makes'
        f' fewer errors than the baseline.</p><div class="grid wide">{cards}</div>'
    )


def costs(setting: Setting, metrics: Sequence[str]) -> tuple[str, Figure] | None:
    """Seconds an iteration against Betti errors, and memory; None where no run says.

    Args:
        setting: The losses and images.
        metrics: Names of the metrics, in the order of the scores' last axis.

    Returns:
        HTML, and the chart to write as a file.
    """
    places = [list(metrics).index(name) for name in _COUNTS if name in metrics]
    known = [one for one in setting.losses if all("seconds_per_iteration" in c for c in one.cards)]
    if not known or not places:
        return None
    masks = setting.members("ID") or setting.members("OOD")
    series: dict[str, tuple[float, float, float, float]] = {}
    lines: list[list[str | tuple[str, float]]] = []
    for one in known:
        seconds = [float(card["seconds_per_iteration"]) for card in one.cards]
        memory = [float(card["peak_memory_mib"]) for card in one.cards]
        middle = float(np.median(seconds))
        errors = np.sum([macro(one.values[..., p], masks) for p in places], axis=0)
        series[one.loss] = (1000 * middle, *_spread(errors))
        lines.append(
            [
                one.loss,
                (number(1000 * middle), middle),
                (number(max(memory)), max(memory)),
                (number(float(errors.mean())), float(errors.mean())),
            ]
        )
    chart = plane.points(
        series,
        axes=("ms per training iteration", "Betti-0 + Betti-1 error"),
        label="cost of an iteration against the Betti errors, one point per loss",
    )
    heads = ["Loss", "ms per iteration", "peak memory, MiB", "Betti-0 + Betti-1 error"]
    table = page.table(heads, lines, name=f"cost-{setting.name.replace('/', '-')}")
    note = (
        '<p class="quiet">Medians over runs of the time of a whole training iteration, and the'
        " largest memory of the process; bars span the runs. Runs side by side slow each other"
        " down: compare ratios.</p>"
    )
    runs = ", ".join(f"{one.loss} {len(one.seeds)}" for one in known)
    figure = Figure(
        file_name(setting.name, "cost"),
        chart,
        "Time of a training iteration against the sum of Betti-0 and Betti-1 errors,"
        f" {setting.name}; bars span the runs.",
        f"n = {len(setting.baseline.images)} images (runs: {runs}).",
    )
    return f'{note}<div class="card" style="max-width:560px">{chart}</div><br>{table}', figure


def _spread(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values.mean()), float(values.min()), float(values.max())


def worst_images(setting: Setting, metrics: Sequence[str], count: int) -> list[str]:
    """Images with the largest Betti errors of the worst loss, seeds averaged.

    Args:
        setting: The losses and images.
        metrics: Names of the metrics, in the order of the scores' last axis.
        count: How many images.

    Returns:
        Ids, worst first; none without Betti errors or predictions.
    """
    places = [list(metrics).index(name) for name in _COUNTS if name in metrics]
    if not places:
        return []
    errors = [
        np.nansum([nanmean(one.values[..., p], axis=0) for p in places], axis=0)
        for one in setting.losses
        if _predictions(one).is_dir()
    ]
    if not errors:
        return []
    order = np.argsort(-np.max(errors, axis=0), kind="stable")
    return [setting.baseline.images[index] for index in order[:count]]


def _predictions(one: Scores) -> Path:
    """Predictions of the first run; there are none of published scores."""
    return one.folder / one.seeds[0] / "test" / "predictions"


def pictures(setting: Setting, metrics: Sequence[str]) -> str:
    """Overlays of every loss on the worst images; nothing where no predictions are kept.

    Args:
        setting: The losses and images.
        metrics: Names of the metrics, in the order of the scores' last axis.

    Returns:
        HTML.
    """
    losses = [one for one in setting.losses if _predictions(one).is_dir()]
    shown = []
    for name in worst_images(setting, metrics, SHOWN):
        for one in losses:
            file = _predictions(one) / f"{name}.png"
            if not file.is_file():
                continue
            row = one.images.index(name)
            scores = " · ".join(
                f"{METRICS[metric].title} {number(float(one.values[0, row, place]))}"
                for place, metric in enumerate(metrics)
            )
            source = data_url(error_picture(file.parents[1], name), photo=True)
            shown.append(
                f'<figure class="card"><img src="{source}"'
                f' alt="{html.escape(name)}, {html.escape(one.loss)}"><figcaption><b>'
                f"{html.escape(one.loss)}</b>, image {html.escape(name)}, seed"
                f" {html.escape(one.seeds[0])}<br>{html.escape(scores)}</figcaption></figure>"
            )
    if not shown:
        return ""
    return (
        f'{error_legend()}<div class="grid" style="grid-template-columns:repeat({len(losses)},'
        f'minmax(0,1fr))">{"".join(shown)}</div>'
    )
