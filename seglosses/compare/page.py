"""The comparison as one self-contained HTML file."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from seglosses.compare.comparison import Comparison
from seglosses.compare.pictures import (
    extremes,
    gains,
    metric_figures,
    shown_columns,
    side_by_side,
)
from seglosses.compare.reliability import reliability_figures
from seglosses.evaluate.photos import Photos
from seglosses.report import page
from seglosses.report.figures import Figure, file_name
from seglosses.report.legend import error_legend


def write_page(
    comparison: Comparison,
    path: Path,
    *,
    images: Path | None = None,
    by: str | None = None,
    shown: int = 4,
) -> list[Figure]:
    """Write the page.

    Args:
        comparison: The tables.
        path: File to write.
        images: Folder of pictures to draw on, named like the label files.
        by: Metric that says where one beats the other most; None for all of them together.
        shown: How many images of each.

    Returns:
        The figures of the page, to write as files too.
    """
    photos = Photos(images)  # `evaluate` has said which are missing
    sections, figures = [], []
    if comparison.nothing:
        sections.append(f'<div class="card warn">{html.escape(comparison.nothing)}</div>')
    for pair in comparison.pairs:
        first, second = pair
        sections.append(page.section(f"{second} against {first}", _tables(comparison, pair)))
        cards = []
        for column in shown_columns(comparison.paired):
            drawn = metric_figures(comparison, pair, column)
            figures += drawn
            cards.append(
                f'<div class="card"><b>{html.escape(column.title)}</b>'
                f"{''.join(one.svg for one in drawn)}"
                f'<p class="quiet"><small>{html.escape(drawn[0].numbers)}</small></p></div>'
            )
        across, up = html.escape(first), html.escape(second)
        note = (
            f'<p class="quiet">Above: {across} across, {up} up, equal on the dashed line. Below:'
            " differences, their mean and its 95 % interval, no difference at the dashed line.</p>"
        )
        body = f'{note}<div class="grid wide">{"".join(cards)}</div>'
        sections.append(page.section("Image by image", body))
        gain = gains(comparison.paired, first, second, by)
        for places, words in zip(
            extremes(gain, shown),
            (f"{second} beats {first} most", f"{first} beats {second} most"),
            strict=True,
        ):
            found = [side_by_side(comparison, pair, place, photos) for place in places]
            figures += found
            sections.append(page.section(f"Where {words}", _pictures(found, by)))
    if reliable := reliability_figures(comparison):
        figures += reliable
        cards = [
            f'<div class="card"><b>{html.escape(one.caption)}</b>{one.svg}'
            f'<p class="quiet"><small>{html.escape(one.numbers)}</small></p></div>'
            for one in reliable
        ]
        grid = f'<div class="grid wide">{"".join(cards)}</div>'
        sections.append(page.section("Reliability", grid))
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in comparison.notes())
    sections.append(page.section("How to read this", f'<div class="card"><ul>{notes}</ul></div>'))
    sections.append(page.section("Conventions", _conventions(comparison)))
    names = ", ".join(comparison.paired.evaluations)
    count = len(comparison.paired.images)
    subtitle = html.escape(f"{count} image{'s' * (count != 1)} · {names}")
    path.write_text(page.page("Comparison", subtitle, sections), "utf-8")
    return figures


def _tables(comparison: Comparison, pair: tuple[str, str]) -> str:
    parts = [f'<p class="quiet">A is {html.escape(pair[0])}, B is {html.escape(pair[1])}.</p>']
    titles = iter(("Metrics", "By class", "Objects by size"))
    for heads, rows in comparison.tables(*pair):
        kind = "Objects by size" if "objects" in heads else next(titles)
        name = file_name(*pair, kind)
        parts.append(
            f"<h3>{kind}</h3>"
            + page.table(heads, _sortable(rows), name=name, whole=len(rows) <= 60)
        )
    return "".join(parts)


def _sortable(rows: Sequence[Sequence[str]]) -> list[list[str | tuple[str, float]]]:
    """Cells whose numbers sort as numbers."""
    return [[(text, n) if (n := _value(text)) == n else text for text in row] for row in rows]


def _value(text: str) -> float:
    plain = text.split(" ")[0].replace("−", "-").removeprefix("<").removeprefix("[").rstrip(",")
    try:
        return float(plain)
    except ValueError:
        return float("nan")


def _pictures(figures: Sequence[Figure], by: str | None) -> str:
    if not figures:
        return '<p class="quiet">no image</p>'
    how = "all metrics together" if by is None else by
    shown = "".join(
        f'<figure class="card">{one.svg}<figcaption>{html.escape(one.caption)}</figcaption>'
        "</figure>"
        for one in figures
    )
    return f'<p class="quiet">Ordered by {html.escape(how)}.</p>{error_legend()}{shown}'


def _said(convention: object) -> str:
    if isinstance(convention, dict):
        return ", ".join(f"{index} {name}" for index, name in convention.items())
    return str(convention)


def _conventions(comparison: Comparison) -> str:
    evaluation = next(iter(comparison.paired.evaluations.values()))
    wanted = ("version", "ground truth", "classes", "connectivity", "spacing", "empty masks")
    items = [(key, _said(evaluation.conventions[key])) for key in wanted]
    folders = [
        (f"predictions, {name}", str(one.conventions["predictions"]))
        for name, one in comparison.paired.evaluations.items()
    ]
    metrics = [(column.title, column.meaning) for column in comparison.paired.columns]
    return page.definitions([*folders, *items, *metrics])
