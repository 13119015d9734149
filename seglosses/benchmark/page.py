"""The report as one self-contained HTML file: tables, figures, critical errors."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from seglosses.benchmark.comparison import Row, Stat
from seglosses.benchmark.convergence import convergence
from seglosses.benchmark.figures import costs, image_charts, image_figures, pictures
from seglosses.benchmark.results import METRICS
from seglosses.benchmark.settings import Setting
from seglosses.benchmark.tables import EFFECT_HEADS, blocks, cell, differing, effects, mark
from seglosses.report import page
from seglosses.report.balance import balance_charts, read_balance
from seglosses.report.figures import Figure


def write_page(
    path: Path,
    rows: Sequence[Row],
    settings: Sequence[Setting],
    metrics: Sequence[str],
    stat: Stat,
    notes: Sequence[str],
) -> list[Figure]:
    """Write the report.

    Args:
        path: File to write.
        rows: All rows.
        settings: The scores behind them.
        metrics: Names of the metrics, in the order of the scores' last axis.
        stat: The protocol of the rows.
        notes: How to read the numbers.

    Returns:
        The charts, to write as files too.
    """
    sections, figures = [], []
    for setting in settings:
        mine = [row for row in rows if row.setting == setting.name]
        sections += [page.section(setting.name, _tables(mine, stat))]
        drawn = image_figures(setting, metrics, mine, stat)
        figures += [figure for _, figure in drawn]
        sections += [page.section("Image by image", image_charts(drawn))]
        for heading, found in (
            ("Were the trainings long enough?", convergence(setting)),
            ("Cost and benefit", costs(setting, metrics)),
        ):
            if found is not None:
                sections.append(page.section(heading, found[0]))
                figures.append(found[1])
        for heading, body in (
            ("Balance of the losses", _balance(setting)),
            ("Critical errors on the worst images", pictures(setting, metrics)),
        ):
            if body:
                sections.append(page.section(heading, body))
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    sections.append(page.section("How to read this", f'<div class="card"><ul>{listed}</ul></div>'))
    names = ", ".join(setting.name for setting in settings)
    path.write_text(
        page.page("Benchmark of losses", html.escape(names), sections), encoding="utf-8"
    )
    return figures


def _balance(setting: Setting) -> str:
    """Gradients of the terms of each loss, of the first seed in which they were measured."""
    parts = []
    for number, one in enumerate(setting.losses):
        files = [one.folder / seed / "balance.json" for seed in one.seeds]
        found = next((file for file in files if file.is_file()), None)
        if found is None:
            continue
        for place, (head, history) in enumerate(read_balance(found).items()):
            seed, where = html.escape(found.parent.name), html.escape(head)
            charts = balance_charts(history, name=f"balance-{number}-{place}")
            parts.append(f"<p><b>{html.escape(one.loss)}</b>, seed {seed}, {where}</p>{charts}")
    return "".join(parts)


def _tables(rows: Sequence[Row], stat: Stat) -> str:
    parts = []
    for setting, chosen, mine in blocks(rows):
        name = f"{setting}-{chosen}".replace("/", "-")
        metrics = list(dict.fromkeys(row.metric for row in mine))
        more = differing(mine)
        body: list[list[str | tuple[str, float]]] = []
        for loss in dict.fromkeys(row.loss for row in mine):
            of = {row.metric: row for row in mine if row.loss == loss}
            line: list[str | tuple[str, float]] = [loss]
            line += [(mark(cell(of[m], stat), of[m], "", star=" ★"), of[m].mean) for m in metrics]
            line += [str(getattr(of[metrics[0]], name)) for name in more]
            body.append(line)
        heads = [
            "Loss",
            *(f"{METRICS[metric].title} {METRICS[metric].arrow}" for metric in metrics),
            *(name.capitalize() for name in more),
        ]
        first = mine[0]
        parts.append(
            f"<h3>{chosen}</h3><p class='quiet'>{first.images} images, {first.runs} runs of"
            f" {html.escape(first.loss)}; ★ better than {html.escape(first.loss)} and p &lt; 0.05"
            f"{', over runs too; † over images only' * (stat == 'image')}</p>"
            + page.table(heads, body, name=name)
        )
        if stat == "image" and (compared := _effects(mine)):
            heads = ["Metric", "Loss", *EFFECT_HEADS[2:]]
            parts.append(page.table(heads, compared, name=f"{name}-effects"))
    return "".join(parts)


def _effects(rows: Sequence[Row]) -> list[list[str | tuple[str, float]]]:
    """The lines of :func:`effects` with the numbers to sort by."""
    compared = [row for row in rows if row.p == row.p]
    lines: list[list[str | tuple[str, float]]] = []
    for row, (metric, loss, *texts) in zip(compared, effects(rows), strict=True):
        numbers = (row.difference, row.p_single, row.p, row.delta, row.ratio)
        lines.append([metric, loss, *zip(texts, numbers, strict=True)])
    return lines
