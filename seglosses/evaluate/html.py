"""The report of an evaluation: summary, distributions, worst images, all scores, conventions."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from seglosses.evaluate.columns import Column
from seglosses.evaluate.figures import distribution, pictures, reliability_diagrams
from seglosses.evaluate.pictures import headline, matchings, worst_images, worst_pictures
from seglosses.evaluate.result import Evaluation
from seglosses.evaluate.summary import MACRO, SummaryRow, said_once
from seglosses.report import charts, page
from seglosses.report.figures import write_figures

MAX_ROWS = 2000
MAX_MATCHINGS = 4


def write_report(
    evaluation: Evaluation, path: Path, *, images: Path | None = None, worst: int = 8
) -> None:
    """Write one self-contained HTML file.

    Args:
        evaluation: The scores.
        path: File to write.
        images: Folder with the pictures to draw on, named like the label files.
        worst: Number of images with overlays.
    """
    found = [] if not len(evaluation.table) else worst_images(evaluation, worst)
    count = len(evaluation.table)
    folders = (str(evaluation.conventions[key]) for key in ("predictions", "ground truth"))
    # whole paths are among the conventions
    pred, target = ("/".join(Path(folder).parts[-2:]) for folder in folders)
    subtitle = html.escape(f"{count} image{'s' * (count != 1)} · {pred} against {target}")
    sections = [
        _failures(evaluation),
        _no_score(evaluation),
        _tiles(evaluation),
        page.section("Summary", _summary(evaluation)),
        page.section("Worst images", worst_pictures(evaluation, found, images)),
        page.section("Components and loops", matchings(evaluation, found[:MAX_MATCHINGS], images)),
        page.section("Reliability", reliable) if (reliable := _reliability(evaluation)) else "",
        page.section("Distributions over images", _charts(evaluation)),
        page.section("All scores", _scores(evaluation)),
        page.section("Conventions", _conventions(evaluation)),
    ]
    path.write_text(page.page("Evaluation", subtitle, [text for text in sections if text]), "utf-8")


def write_files(
    evaluation: Evaluation,
    folder: Path,
    formats: Sequence[str],
    *,
    images: Path | None = None,
    worst: int = 8,
) -> None:
    """Write the figures of the report as files.

    Args:
        evaluation: The scores.
        folder: To write to.
        formats: Some of :data:`seglosses.report.figures.FORMATS`.
        images: Folder with the pictures to draw on.
        worst: Number of images with pictures.
    """
    figures = [distribution(evaluation, column) for column in evaluation.columns]
    figures += reliability_diagrams(evaluation)
    figures += pictures(evaluation, worst_images(evaluation, worst), images)
    write_figures(folder, figures, formats)


def _no_score(evaluation: Evaluation) -> str:
    reason = html.escape(evaluation.no_score)
    return f'<div class="card warn"><b>{reason}</b></div>' if reason else ""


def _failures(evaluation: Evaluation) -> str:
    if not evaluation.failures:
        return ""
    items = "".join(
        f"<li><b>{html.escape(failure.image)}</b>: {html.escape(failure.reason)}</li>"
        for failure in evaluation.failures[:50]
    )
    count = len(evaluation.failures)
    more = count - 50
    rest = f"<p>and {more} more, see failures.csv</p>" if more > 0 else ""
    return (
        f'<div class="card warn"><b>{count} image{"s" * (count != 1)} could not be scored, missing '
        f"from every number below</b><ul>{items}</ul>{rest}</div>"
    )


def _main_rows(summary: Sequence[SummaryRow]) -> list[SummaryRow]:
    classes = list(dict.fromkeys(row.cls for row in summary))
    main = MACRO if MACRO in classes else classes[0]
    return said_once([row for row in summary if row.cls == main])


def _tiles(evaluation: Evaluation) -> str:
    names = {
        column.name if column.pooled is None else f"{column.name}_dataset"
        for column in headline(evaluation)
    }
    return page.tiles(
        [
            (
                _titled(row),
                charts.number(row.mean),
                _interval(row),
            )
            for row in _main_rows(evaluation.summary)
            if row.metric in names
        ]
    )


def _titled(item: SummaryRow | Column) -> str:
    return f"{item.title} {'↑' if item.better == 'higher' else '↓'}"


def _summary(evaluation: Evaluation) -> str:
    main = _main_rows(evaluation.summary)[0]
    scores = " scores" * (main.cls == MACRO)
    heads = ["Metric", "Mean", "95 % interval", "Std", "Median", "Images", f"Undefined{scores}"]
    rows: list[list[str | tuple[str, float]]] = [
        [
            _titled(row),
            (charts.number(row.mean), row.mean),
            (_interval(row), row.high - row.low),
            (charts.number(row.std), row.std),
            (charts.number(row.median), row.median),
            (str(row.n), row.n),
            (str(row.undefined), row.undefined),
        ]
        for row in _main_rows(evaluation.summary)
    ]
    of = "Mean of classes. " if main.cls == MACRO else f"Class {html.escape(main.cls)}. "
    counted = "Classes of images" if main.cls == MACRO else "Images"
    note = (
        f'<p class="quiet">{of}↑ higher is better, ↓ lower is better. Intervals: 95 %, bootstrap '
        f"over images. {counted} without a predicted pixel: {main.pred_empty}, without a true one: "
        f"{main.target_empty}. Click a heading to sort.</p>"
    )
    return note + page.table(heads, rows, name="summary", whole=True) + _by_class(evaluation)


def _interval(row: SummaryRow) -> str:
    return f"{charts.number(row.low)} – {charts.number(row.high)}" if row.low == row.low else "–"


def _by_class(evaluation: Evaluation) -> str:
    classes = evaluation.table.classes
    if len(classes) == 1:
        return ""
    found = {(row.metric, row.cls): row.mean for row in evaluation.summary}
    rows: list[list[str | tuple[str, float]]] = []
    for column in evaluation.columns:
        means = [found[column.name, name] for name in classes]
        rows.append([_titled(column), *((charts.number(mean), mean) for mean in means)])
    return "<h2>Mean by class</h2>" + page.table(
        ["Metric", *classes], rows, name="classes", whole=True
    )


def _charts(evaluation: Evaluation) -> str:
    cards = []
    for column in evaluation.columns:
        chart = distribution(evaluation, column).svg
        cards.append(
            f'<div class="card"><b>{html.escape(_titled(column))}</b>'
            f'<p class="quiet"><small>{html.escape(column.meaning)}</small></p>{chart}</div>'
        )
    return f'<div class="grid wide">{"".join(cards)}</div>'


def _reliability(evaluation: Evaluation) -> str:
    cards = "".join(
        f'<div class="card">{one.svg}<p class="quiet"><small>{html.escape(one.whole)}</small></p>'
        "</div>"
        for one in reliability_diagrams(evaluation)
    )
    return f'<div class="grid wide">{cards}</div>' if cards else ""


def _scores(evaluation: Evaluation) -> str:
    table = evaluation.table
    matrices = [(column, table.matrix(column.name)) for column in evaluation.columns]
    heads = ["Image", *(["Class"] if len(table.classes) > 1 else [])]
    heads += [column.title for column in evaluation.columns]
    rows: list[list[str | tuple[str, float]]] = []
    for number, image in enumerate(table.images):
        for place, cls in enumerate(table.classes):
            if len(rows) == MAX_ROWS:
                break
            row: list[str | tuple[str, float]] = [image]
            row += [cls] if len(table.classes) > 1 else []
            for _, matrix in matrices:
                value = float(matrix[number, place])
                row.append((charts.number(value), value))
            rows.append(row)
    total = len(table) * len(table.classes)
    rest = (
        ""
        if total <= MAX_ROWS
        else f" The first {MAX_ROWS} of {total} rows; all are in per_image.csv."
    )
    return (
        '<input type="search" data-table="scores" placeholder="Filter images" '
        f'aria-label="Filter images"><span class="quiet">{rest}</span>'
        + page.table(heads, rows, name="scores")
    )


def _conventions(evaluation: Evaluation) -> str:
    items = [(name, _plain(value)) for name, value in evaluation.conventions.items()]
    return page.definitions([item for item in items if item[0] != "metrics"])


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return "–" if value is None else str(value)
