"""The report of a comparison: the table, and the images on which the losses differ most."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from seglosses.demo.comparison import ComparisonRow, change
from seglosses.evaluate import Evaluation
from seglosses.evaluate.scoring import load
from seglosses.report import charts, page
from seglosses.report.legend import error_legend
from seglosses.report.overlay import data_url, error_overlay

SHOWN = 6


def write_report(
    path: Path,
    rows: Sequence[ComparisonRow],
    evaluations: Mapping[str, Evaluation],
    images: Path,
    facts: Mapping[str, str],
) -> None:
    """Write one self-contained HTML file; it links to the report of each loss.

    Args:
        path: File to write.
        rows: The comparison.
        evaluations: The scores of each loss, the one to beat first.
        images: Folder with the pictures to draw on.
        facts: How the runs were made, for the end of the page.
    """
    losses = list(evaluations)
    count = len(next(iter(evaluations.values())).table)
    sections = [
        page.section("Scores", _scores(rows, losses)),
        page.section("Where they differ most", _pictures(evaluations, images)),
        page.section("Each loss by itself", _links(losses)),
        page.section("How this was made", page.definitions(list(facts.items()))),
    ]
    subtitle = html.escape(f"{count} test images, the same for every loss")
    path.write_text(page.page(" or ".join(losses), subtitle, sections), encoding="utf-8")


def _scores(rows: Sequence[ComparisonRow], losses: Sequence[str]) -> str:
    cells = {(row.loss, row.metric): row for row in rows}
    heads = ["Metric", *losses, *(f"Change by {loss}" for loss in losses[1:])]
    body: list[list[str | tuple[str, float]]] = []
    for metric in dict.fromkeys(row.metric for row in rows):
        of = [cells[loss, metric] for loss in losses]
        line: list[str | tuple[str, float]] = [
            f"{of[0].title} {'↑' if of[0].better == 'higher' else '↓'}"
        ]
        line += [(charts.number(row.mean), row.mean) for row in of]
        line += [(change(row) or "–", row.difference) for row in of[1:]]
        body.append(line)
    note = (
        '<p class="quiet">↑ higher is better, ↓ lower is better. Changes are means over images of'
        f" the difference to {html.escape(losses[0])}, with 95 % bootstrap intervals over images;"
        " better or worse stands where the interval excludes zero. One seed: another training"
        " moves these numbers too.</p>"
    )
    return note + page.table(heads, body, name="scores")


def most_different(evaluations: Mapping[str, Evaluation], count: int) -> list[int]:
    """Images whose topological errors differ most between the losses, most different first.

    Errors of both dimensions are added up; equal images follow in their order.
    """
    tables = [evaluation.table for evaluation in evaluations.values()]
    errors = np.stack(
        [
            table.matrix("betti0_error")[:, 0] + table.matrix("betti1_error")[:, 0]
            for table in tables
        ]
    )
    spread = np.nan_to_num(errors.max(axis=0) - errors.min(axis=0))
    return [int(row) for row in np.argsort(-spread, kind="stable")[:count]]


def _pictures(evaluations: Mapping[str, Evaluation], images: Path) -> str:
    shown = []
    for row in most_different(evaluations, SHOWN):
        name = next(iter(evaluations.values())).table.images[row]
        with Image.open(images / f"{name}.png") as file:
            photo = np.asarray(file.convert("RGB"))
        shown.append(_figure("image", name, Image.fromarray(photo).resize(
            (photo.shape[1] * 3, photo.shape[0] * 3), Image.Resampling.NEAREST), name))  # fmt: skip
        for loss, evaluation in evaluations.items():
            files = next(pair for pair in evaluation.pairs if pair.name == name)
            index = next(iter(evaluation.settings.classes))
            pair = load(files, evaluation.settings).pair(index, evaluation.settings)
            scores = " · ".join(
                f"{column.title} {charts.number(evaluation.table.matrix(column.name)[row, 0])}"
                for column in evaluation.columns
            )
            shown.append(_figure(loss, name, error_overlay(pair, photo), scores))
    columns = len(evaluations) + 1
    return (
        f'{error_legend()}<div class="grid" style="grid-template-columns:'
        f'repeat({columns},minmax(0,1fr))">{"".join(shown)}</div>'
    )


def _figure(heading: str, name: str, picture: Image.Image, caption: str) -> str:
    label = html.escape(f"{name}, {heading}")
    return (
        f'<figure class="card"><img src="{data_url(picture, photo=True)}" alt="{label}">'
        f"<figcaption><b>{html.escape(heading)}</b><br>{html.escape(caption)}</figcaption></figure>"
    )


def _links(losses: Sequence[str]) -> str:
    items = "".join(
        f'<li><a href="{html.escape(loss)}/evaluation/report.html">{html.escape(loss)}</a>:'
        " distributions, worst images, all scores, conventions</li>"
        for loss in losses
    )
    return f'<div class="card"><ul>{items}</ul></div>'
