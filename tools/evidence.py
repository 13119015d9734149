"""Make the tables of docs/evidence.md from the runs that lie beside it.

    python tools/evidence.py                                  # the tables, from docs/evidence/runs
    python tools/evidence.py --take runs/cracks cracks_long   # copy finished runs there first

A comment in the page says what its next table shows: ``<!-- runs: cracks_long -->`` scores of
``docs/evidence/runs/cracks_long``, or changes where the table has columns of p, with ``ID`` or
``OOD`` behind it where a set has both; ``<!-- curves: cracks_long -->`` training losses. Columns,
names of losses and numbers of decimals are those that the table has; losses that it lacks come
last. ``<!-- glance: Betti-0 error -->`` shows every loss on every set in percent of CE + Dice, as
``docs/images/evidence.svg`` draws it. What the page says about its tables is for people to write.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from seglosses.benchmark.comparison import LEVEL, Row
from seglosses.benchmark.report import report
from seglosses.benchmark.results import METRICS, Scores, read_group_file, read_results
from seglosses.report.axes import COLOURS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evidence.md"
RUNS = ROOT / "docs" / "evidence" / "runs"
PICTURE = ROOT / "docs" / "images" / "evidence.svg"
GLANCE = re.compile(r"(<!-- glance: ([^>]+) -->\n\n)((?:\|.*\n)+)")
MARK = re.compile(r"(<!-- (runs|curves): (\w+)(?: (ID|OOD))? -->\n\n)((?:\|.*\n)+)")
BASELINE = "ce_dice"
#: Of configs/losses: the name beside scores, and the shorter one beside changes.
NAMES = {
    "ce_dice": ("CE + Dice", "CE + Dice"),
    "ce_dice_cldice": ("+ clDice", "+ clDice"),
    "ce_dice_betti_matching_gentle": ("+ 0.02 Betti matching, late", "+ Betti matching"),
    "ce_dice_cldice_betti_matching": (
        "+ 0.5 clDice + 0.02 Betti matching, late",
        "+ clDice + Betti matching",
    ),
    "ce_dice_topological_prior": ("+ 0.01 topological prior", "+ topological prior"),
    "ce_dice_cldice_topological_prior": (
        "+ 0.5 clDice + 0.01 topological prior",
        "+ clDice + topological prior",
    ),
    "ce_dice_skeleton_recall": ("+ Skeleton Recall", "+ Skeleton Recall"),
    "ce_dice_cbdice": ("+ cbDice", "+ cbDice"),
    "ce_jaccard_metric": ("CE + Jaccard metric", "CE + Jaccard metric"),
    "ce_dice_topograph": ("+ 0.1 Topograph", "+ Topograph"),
    "ce_dice_topograph_gentle": ("+ 0.005 Topograph, late", "+ Topograph, late"),
    "ce_dice_betti_matching_late": ("0.5", "0.5"),
    "advised": ("proposed by advise", "proposed by advise"),
}
#: By name; two of them one table alone has.
MIXINS = {
    **{name: mixin for mixin, names in NAMES.items() for name in names},
    "none: CE + Dice": "ce_dice",
    "0.02": "ce_dice_betti_matching_gentle",
}
#: Of the picture: what its panels show, and pixels.
PANELS = {"Betti0Error": "wrong components left", "Betti1Error": "wrong loops left"}
LEFT, WIDE, GAP, TOP, HIGH = 176, 300, 44, 26, 40
MOST = 150
"""Percent at the right end."""
#: The longest trainings of each set.
SETS = {
    "TopoMortar": "topomortar_256",
    "cracks": "cracks_long",
    "membranes": "membranes_long",
    "vessels": "vessels_long",
}
COLUMNS = {
    **{metric.title: name for name, metric in METRICS.items() if name != "HD95"},
    "HD95, px": "HD95",
}


def scores_of(folder: str, part: str) -> dict[str, Scores]:
    """Every loss of a folder, on the images like the training set or on all others."""
    everything = tuple(COLUMNS.values())
    found = read_results(RUNS / folder, everything)
    inside = read_group_file([RUNS / folder])
    chosen = [each for each in found[0].images if (inside[each] == "indistr") == (part == "ID")]
    return {each.loss: each.only(chosen) for each in found}


@cache
def changes_of(folder: str, part: str) -> dict[tuple[str, str], Row]:
    """The report's rows by loss and metric."""
    with tempfile.TemporaryDirectory() as out:
        rows = report(RUNS / folder, Path(out), baseline=BASELINE)
    return {(row.loss, row.metric): row for row in rows if row.set == part}


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _change(row: Row, digits: int) -> str:
    parts = (row.difference, row.difference_low, row.difference_high)
    middle, low, high = (_signed(part, digits) for part in parts)
    told = f"{middle} [{low}, {high}]"
    return f"**{told}**" if row.bold else told


def _mean(values: np.ndarray, digits: tuple[int, int]) -> str:
    """Of (seeds, images): the mean, the deviation over images, and the means of seeds."""
    plain, several = digits
    told = f"{values.mean():.{plain}f} ± {values.mean(axis=0).std(ddof=1):.{plain}f}"
    seeds = ", ".join(f"{seed:.{several}f}" for seed in values.mean(axis=1))
    return f"{told} ({seeds})" if len(values) > 1 else told


def _decimals(cell: str) -> tuple[int, int]:
    """Of the first number and of the last, as they are printed."""
    numbers = re.findall(r"\d+(?:\.(\d+))?", cell)
    return len(numbers[0]), len(numbers[-1])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _losses(shown: list[str], there: list[str], *, short: bool) -> Iterator[tuple[str, str]]:
    """Names to print and mix-ins: those of the table, then those that it lacks."""
    mixins = [MIXINS[name] for name in shown]
    more = [mixin for mixin in NAMES if mixin in there and mixin not in mixins]
    yield from zip(shown, mixins, strict=True)
    yield from ((NAMES[mixin][short], mixin) for mixin in more)


def runs_table(folder: str, part: str, table: str) -> str:
    """Scores, or changes, of all losses of a folder."""
    head, rule, *body = table.splitlines(keepends=True)
    columns, first = _cells(head), _cells(body[0])
    tested = "p" in columns
    scores = scores_of(folder, part)
    changes = changes_of(folder, part) if tested else {}
    there = [loss for loss in scores if not (tested and loss == BASELINE)]
    lines = []
    for name, mixin in _losses([_cells(line)[0] for line in body], there, short=tested):
        cells = [name]
        for at, column in enumerate(columns[1:], start=1):
            if column == "p":
                cells.append(f"{changes[mixin, COLUMNS[columns[at - 1]]].p:.3f}")
            elif tested:
                cells.append(_change(changes[mixin, COLUMNS[column]], _decimals(first[at])[0]))
            else:
                values = scores[mixin].values[:, :, list(COLUMNS).index(column)]
                cells.append(_mean(values, _decimals(first[at])))
        lines.append(_line(cells))
    return "".join([head, rule, *lines])


def curves_table(folder: str, table: str) -> str:
    """Training losses in eighths, and how far the last quarter lies below the one before."""
    head, rule, *body = table.splitlines(keepends=True)
    scores = scores_of(folder, "ID")
    lines = []
    for name, mixin in _losses([_cells(line)[0] for line in body], list(scores), short=False):
        curve = np.array([card["loss_curve"] for card in scores[mixin].cards]).mean(axis=0)
        fallen = curve[6:].mean() / curve[4:6].mean() - 1
        eighths = [f"{value:.2f}" for value in curve]
        lines.append(_line([name, *eighths, f"{_signed(100 * fallen, 1)} %"]))
    return "".join([head, rule, *lines])


def _is_worse(row: Row) -> bool:
    """Over images and over trainings, as bold is for better."""
    ends = (row.difference_low, row.difference_high)
    return row.p < LEVEL and min(ends) * max(ends) > 0 and not row.bold


def _percent(row: Row, value: float) -> float:
    """Of what the baseline has."""
    return 100 * value / (row.mean - row.difference)


def glance_table(title: str) -> str:
    """Every loss on every set: errors in percent of the baseline's, scores as changes."""
    lines = [_line(["loss", *SETS]), _line(["---", *["---:"] * len(SETS)]).replace(" ", "")]
    for mixin, (name, _) in NAMES.items():
        cells = []
        for folder in SETS.values():
            row = changes_of(folder, "ID").get((mixin, COLUMNS[title]))
            if row is None or mixin == BASELINE:
                cells.append("–")
                continue
            told = _signed(row.difference, 3)
            if not METRICS[COLUMNS[title]].higher:
                told = f"{_percent(row, row.mean):.0f} %"
            mark = "**" if row.bold else "_" if _is_worse(row) else ""
            cells.append(f"{mark}{told}{mark}")
        if set(cells) != {"–"}:
            lines.append(_line([name, *cells]))
    return "".join(lines)


def remade(page: str) -> str:
    """The page with its tables made anew.

    Args:
        page: Text with marks.
    """

    def made(found: re.Match[str]) -> str:
        mark, kind, folder, part, table = found.groups()
        if kind == "curves":
            return mark + curves_table(folder, table)
        return mark + runs_table(folder, part or "ID", table)

    page = GLANCE.sub(lambda found: found[1] + glance_table(found[2]), page)
    return MARK.sub(made, page)


def picture() -> str:
    """An SVG: for every loss and set the errors that it leaves, with intervals over trainings."""
    changes = {folder: changes_of(folder, "ID") for folder in SETS.values()}
    trained = {loss for rows in changes.values() for loss, _ in rows}
    losses = [loss for loss in NAMES if loss in trained and loss != BASELINE]
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
    for place, loss in enumerate(losses):
        top = TOP + HIGH * place
        parts.append(f'<line x1="0" x2="{width}" y1="{top}" y2="{top}" stroke="#dddddd"/>')
        parts.append(f'<text x="6" y="{top + HIGH / 2 + 4}">{NAMES[loss][1]}</text>')
    for panel, (metric, title) in enumerate(PANELS.items()):
        parts.append(f'<g transform="translate({LEFT + panel * (WIDE + GAP)},{TOP})">')
        parts.extend(_grid(HIGH * len(losses), title))
        for place, loss in enumerate(losses):
            for at, folder in enumerate(SETS.values()):
                if (loss, metric) in changes[folder]:
                    y = HIGH * (place + (at + 1) / (len(SETS) + 1))
                    parts.extend(_mark(changes[folder][loss, metric], y, COLOURS[at]))
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
    fill = colour if row.bold or _is_worse(row) else "#ffffff"
    return [
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}"/>',
        f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="3.2" fill="{fill}" stroke="{colour}"/>',
    ]


def take(runs: Path, folder: str) -> int:
    """Copy scores and cards of finished runs to ``docs/evidence/runs``.

    Args:
        runs: Where ``seglosses benchmark run`` wrote to.
        folder: Name to give them.

    Returns:
        How many runs there are.
    """
    target = RUNS / folder
    found = [path for path in runs.glob("*/*/*/*/*.csv") if path.with_suffix(".json").is_file()]
    for path in found:
        place = target / path.relative_to(runs)
        place.parent.mkdir(parents=True, exist_ok=True)
        for each in (path, path.with_suffix(".json")):
            shutil.copyfile(each, place.with_suffix(each.suffix))
    shutil.copyfile(runs / "dataset_types.txt", target / "dataset_types.txt")
    return len(found)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--take", nargs=2, metavar=("RUNS", "FOLDER"))
    args = parser.parse_args()
    if args.take:
        runs, folder = args.take
        print(f"{take(Path(runs), folder)} runs in {(RUNS / folder).relative_to(ROOT)}")
    PAGE.write_text(remade(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
