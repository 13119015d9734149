"""Every loss on every set: tables, and the picture of them."""

from __future__ import annotations

from collections.abc import Iterator

from evidence_parts.runs import (
    BASELINE,
    COLUMNS,
    NAMES,
    PROPOSAL,
    PROPOSED,
    ROOT,
    SETS,
    changes_of,
    is_worse,
    line_of,
    signed,
)
from seglosses.benchmark.comparison import Row
from seglosses.benchmark.results import METRICS
from seglosses.report.axes import COLOURS

PICTURE = ROOT / "docs" / "images" / "evidence.svg"
#: Of the picture: what its panels show, and pixels.
PANELS = {"Betti0Error": "wrong components left", "Betti1Error": "wrong loops left"}
LEFT, WIDE, GAP, TOP, HIGH = 176, 300, 44, 26, 40
MOST = 150
"""Percent at the right end."""


def _percent(row: Row, value: float) -> float:
    """Of what the baseline has."""
    return 100 * value / (row.mean - row.difference)


def _every_loss() -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    """Names, and the mix-in of each set that has it: losses in their order, then the proposals."""
    trained = {
        place: {loss for loss, _ in changes_of(folder, "ID")} for place, folder in SETS.items()
    }
    for mixin, names in NAMES.items():
        there = {place: mixin for place, losses in trained.items() if mixin in losses}
        if there and mixin != BASELINE:
            yield names, there
    yield (PROPOSAL, PROPOSAL), PROPOSED


def glance_table(title: str) -> str:
    """Every loss on every set: errors in percent of the baseline's, scores as changes."""
    lines = [line_of(["loss", *SETS]), line_of(["---", *["---:"] * len(SETS)]).replace(" ", "")]
    for (name, _), mixins in _every_loss():
        cells = []
        for place, folder in SETS.items():
            if place not in mixins:
                cells.append("–")
                continue
            row = changes_of(folder, "ID")[mixins[place], COLUMNS[title]]
            told = signed(row.difference, 3)
            if not METRICS[COLUMNS[title]].higher:
                told = f"{_percent(row, row.mean):.0f} %"
            mark = "**" if row.bold else "_" if is_worse(row) else ""
            cells.append(f"{mark}{told}{mark}")
        lines.append(line_of([name, *cells]))
    return "".join(lines)


def picture() -> str:
    """An SVG: for every loss and set the errors that it leaves, with intervals over trainings."""
    losses = list(_every_loss())
    width, bottom = LEFT + len(PANELS) * (WIDE + GAP), TOP + HIGH * len(losses)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 44}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{bottom + 44}" fill="#ffffff"/>',
    ]
    for at, name in enumerate(SETS):
        x = LEFT + 110 * at
        parts.append(f'<circle cx="{x}" cy="10" r="4" fill="{COLOURS[at]}"/>')
        parts.append(f'<text x="{x + 9}" y="14">{name}</text>')
    for place, ((_, name), _) in enumerate(losses):
        top = TOP + HIGH * place
        parts.append(f'<line x1="0" x2="{width}" y1="{top}" y2="{top}" stroke="#dddddd"/>')
        parts.append(f'<text x="6" y="{top + HIGH / 2 + 4}">{name}</text>')
    for panel, (metric, title) in enumerate(PANELS.items()):
        parts.append(f'<g transform="translate({LEFT + panel * (WIDE + GAP)},{TOP})">')
        parts.extend(_grid(HIGH * len(losses), title))
        for place, (_, mixins) in enumerate(losses):
            for at, (name, folder) in enumerate(SETS.items()):
                if name in mixins:
                    y = HIGH * (place + (at + 1) / (len(SETS) + 1))
                    row = changes_of(folder, "ID")[mixins[name], metric]
                    parts.extend(_mark(row, y, COLOURS[at]))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _grid(bottom: int, title: str) -> Iterator[str]:
    """Lines and numbers of a panel, and what they count."""
    for tick in range(0, MOST + 1, 50):
        x, colour = WIDE * tick / MOST, "#666666" if tick == 100 else "#dddddd"
        yield f'<line x1="{x}" x2="{x}" y1="0" y2="{bottom}" stroke="{colour}"/>'
        yield f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{tick} %</text>'
    yield f'<text x="{WIDE / 2}" y="{bottom + 36}" text-anchor="middle">{title}</text>'


def _mark(row: Row, y: float, colour: str) -> list[str]:
    """A dot, full where it is sure over images and trainings, and its interval."""
    base = row.mean - row.difference
    values = (base + row.difference_low, row.mean, base + row.difference_high)
    low, middle, high = (WIDE * min(max(_percent(row, value), 0), MOST) / MOST for value in values)
    fill = colour if row.bold or is_worse(row) else "#ffffff"
    return [
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}"/>',
        f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="3.2" fill="{fill}" stroke="{colour}"/>',
    ]
