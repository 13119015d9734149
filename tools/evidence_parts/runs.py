"""What the page shows: names of losses, sets, and the scores and changes of their runs."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from seglosses.benchmark.comparison import LEVEL, Row
from seglosses.benchmark.report import report
from seglosses.benchmark.results import METRICS, Scores, read_group_file, read_results

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evidence.md"
RUNS = ROOT / "docs" / "evidence" / "runs"
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
    "advised": ("+ 0.5 clDice* + 0.02 Betti matching, late", "+ clDice* + Betti matching"),
}
PROPOSAL = "proposed by advise"
#: By name; three of them one table alone has.
MIXINS = {
    **{name: mixin for mixin, names in NAMES.items() for name in names},
    PROPOSAL: "advised",
    "none: CE + Dice": "ce_dice",
    "0.02": "ce_dice_betti_matching_gentle",
}
#: The longest trainings of each set.
SETS = {
    "TopoMortar": "topomortar_256",
    "cracks": "cracks_long",
    "membranes": "membranes_long",
    "vessels": "vessels_long",
}
#: The same trainings of CE + Dice with twice as many iterations.
TWICE = {place: f"{folder.rpartition('_')[0]}_twice" for place, folder in SETS.items()}
#: What advise proposes for each set, if with other numbers of erosions.
PROPOSED = {
    "TopoMortar": "advised",
    "cracks": "ce_dice_cldice_topological_prior",
    "membranes": "ce_dice_cldice_betti_matching",
    "vessels": "ce_dice_cldice_topological_prior",
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


def is_worse(row: Row) -> bool:
    """Whether a change is worse over images and over trainings, as bold is for better."""
    ends = (row.difference_low, row.difference_high)
    return row.p < LEVEL and min(ends) * max(ends) > 0 and not row.bold


def signed(value: float, digits: int) -> str:
    """A number with its sign, rounded."""
    return f"{value:+.{digits}f}".replace("-", "−")


def curve_of(found: Scores) -> tuple[np.ndarray, str]:
    """Training loss in eighths, mean of the runs; by how much its last quarter lies lower."""
    curve = np.array([card["loss_curve"] for card in found.cards]).mean(axis=0)
    return curve, f"{signed(100 * (curve[6:].mean() / curve[4:6].mean() - 1), 1)} %"


def p_of(value: float) -> str:
    """A p in three decimals, none of them 0.000."""
    return f"{value:.3f}" if value >= 0.0005 else "<0.001"


def cells_of(line: str) -> list[str]:
    """What stands in a row of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def line_of(cells: list[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |\n"
