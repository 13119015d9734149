"""The tables of docs/evidence.md are those of the runs that lie beside it."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from seglosses.cli import main

DOCS = Path(__file__).parents[1] / "docs"
RUNS = DOCS / "evidence" / "runs"
MIXINS = {
    "CE + Dice": "ce_dice",
    "none: CE + Dice": "ce_dice",
    "proposed by advise": "advised",
    "+ clDice": "ce_dice_cldice",
    "+ Betti matching": "ce_dice_betti_matching_gentle",
    "+ 0.02 Betti matching, late": "ce_dice_betti_matching_gentle",
    "0.02": "ce_dice_betti_matching_gentle",
    "0.5": "ce_dice_betti_matching_late",
    "+ clDice + Betti matching": "ce_dice_cldice_betti_matching",
    "+ 0.5 clDice + 0.02 Betti matching, late": "ce_dice_cldice_betti_matching",
    "+ topological prior": "ce_dice_topological_prior",
    "+ 0.01 topological prior": "ce_dice_topological_prior",
    "+ Skeleton Recall": "ce_dice_skeleton_recall",
    "+ cbDice": "ce_dice_cbdice",
    "CE + Jaccard metric": "ce_jaccard_metric",
    "+ Topograph": "ce_dice_topograph",
    "+ 0.1 Topograph": "ce_dice_topograph",
}
"""Of configs/losses, by the names in the tables."""
METRICS = {
    "Betti-0 error": "Betti0Error_mortar",
    "Betti-1 error": "Betti1Error_mortar",
    "Dice": "Dice_mortar",
    "HD95, px": "HD95_mortar",
    "clDice": "clDice_mortar",
}


def tables() -> list[tuple[str, list[dict[str, str]]]]:
    """Folder of the runs and rows of each table that a comment says is made of runs."""
    found = []
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    for folder, table in re.findall(r"<!-- runs: (\S+) -->\n\n((?:\|.*\n)+)", page):
        head, _, *body = (
            [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]
            for line in table.splitlines()
        )
        # a column of p belongs to the metric before it
        names = [f"p of {head[at - 1]}" if name == "p" else name for at, name in enumerate(head)]
        found.append((folder, [dict(zip(names, row, strict=True)) for row in body]))
    return found


def scores(folder: str, mixin: str, metric: str) -> np.ndarray:
    """(seeds, images)."""
    (place,) = RUNS.glob(f"{folder}/*/*/*/{mixin}")
    columns = []
    for path in sorted(place.glob("*.csv"), key=lambda path: int(path.stem)):
        with path.open(encoding="utf-8") as file:
            columns.append([float(row[metric]) for row in csv.DictReader(file)])
    return np.array(columns)


def digits(text: str) -> int:
    return len(text.partition(".")[2])


def same(text: str, value: float) -> bool:
    """Whether a printed number is a value, rounded."""
    plain = text.replace("−", "-").replace("+", "")
    return abs(float(plain) - value) <= 0.50001 * 10.0 ** -digits(plain)


@pytest.mark.parametrize(
    ("folder", "rows"), [table for table in tables() if not any("p of" in k for k in table[1][0])]
)
def test_means_are_those_of_the_runs(folder: str, rows: list[dict[str, str]]) -> None:
    first = next(iter(rows[0]))
    for row in rows:
        mixin = MIXINS[row[first]]
        for name, metric in METRICS.items():
            if name not in row:
                continue
            found = scores(folder, mixin, metric)
            mean, *rest = re.findall(r"[\d.]+", row[name])
            assert same(mean, found.mean()), (row[first], name)
            spread, seeds = rest[:1], rest[1:]
            for text in spread:
                assert same(text, found.mean(axis=0).std(ddof=1)), (row[first], name)
            assert len(seeds) in (0, len(found)), (row[first], name)
            assert all(map(same, seeds, found.mean(axis=1))), (row[first], name)


def test_changes_are_those_of_the_report(tmp_path: Path) -> None:
    tested = [table for table in tables() if any("p of" in key for key in table[1][0])]
    assert tested
    for folder, rows in tested:
        out = tmp_path / folder
        words = ["benchmark", "report", str(RUNS / folder), "--baseline", "ce_dice"]
        assert main([*words, "--out", str(out)]) == 0
        with (out / "table.csv").open(encoding="utf-8") as file:
            cells = {(row["loss"], row["metric"]): row for row in csv.DictReader(file)}
        for row in rows:
            for name, metric in METRICS.items():
                if name not in row:
                    continue
                cell = cells[MIXINS[row["loss"]], metric.removesuffix("_mortar")]
                numbers = re.findall(r"[−+]?[\d.]+", row[name])
                keys = ("difference", "difference_low", "difference_high")
                for text, key in zip(numbers, keys, strict=True):
                    assert same(text, float(cell[key])), (row["loss"], name, key)
                assert same(row[f"p of {name}"], float(cell["p"])), (row["loss"], name)
