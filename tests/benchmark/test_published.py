"""Every published number of TopoMortar's study cases 1 to 3, from the published scores.

The cells are those of PERFORMANCE_TABLES.md in TopoMortar's repository (MIT licence), case 1
(large, ID), case 2 (large, OOD) and case 3 (small); a star marks the bold ones.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import pytest

from seglosses.benchmark.report import report
from seglosses.cli import main

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import leaderboard  # noqa: E402

COLUMNS = (
    *("CEDiceLoss", "RegionWiseLoss", "TopoLoss", "MSETopoWinLoss", "clDiceLoss", "WarpingLoss"),
    *("CESkeletonRecallLoss", "cbDiceLoss"),
)
METRICS = {"B0": "Betti0Error", "B1": "Betti1Error", "Dice": "Dice", "HD95": "HD95"}
TABLE = """
large ID  B0   3.31±6.6 5.72±9.94 3.14±6.11 33.69±22.06 *1.17±2.26 4.2±6.95 3.08±5.3 4.24±7.12
large ID  B1   2.13±3.89 6.03±12.09 2.73±7.24 43.35±23.34 *1.41±2.53 3.62±6.25 *1.73±2.81 3.81±7.65
large ID  Dice 0.91±0.04 0.91±0.05 0.91±0.04 0.86±0.06 0.91±0.05 0.91±0.05 0.91±0.05 0.91±0.04
large ID  HD95 1.87±0.87 *1.84±0.84 1.87±0.88 2.68±1.24 *1.83±0.84 *1.84±0.83 1.9±0.89 *1.85±0.86
large OOD B0   197.25±188.68 219.55±172.14 *193.29±190.19 *117.73±106.3 *81.33±92.37 204.26±179.53 *180.23±170.31 233.49±202.28
large OOD B1   87.81±84.29 87.74±86.38 99.33±95.53 105.09±115.16 *51.64±48.97 *80.23±75.14 96.79±98.12 106.08±104.07
large OOD Dice 0.65±0.19 0.64±0.19 0.65±0.19 0.65±0.17 *0.66±0.19 0.65±0.19 *0.67±0.18 0.65±0.18
large OOD HD95 37.65±27.76 37.31±27.63 *37.33±27.58 40.21±28.65 *36.9±28.19 *37.07±27.29 38.46±27.66 37.84±27.71
small ID  B0   9.57±26.49 12.35±33.74 *8.72±25.53 59.6±70.31 *6.18±23.81 11.37±33.09 9.89±27.72 9.6±26.65
small ID  B1   4.63±13.21 6.42±16.75 4.81±16.27 43.29±27.57 *4.01±12.22 4.53±11.88 5.18±15.87 4.92±13.94
small ID  Dice 0.9±0.06 0.9±0.06 0.9±0.06 0.86±0.07 0.9±0.06 0.9±0.06 0.9±0.06 0.9±0.06
small ID  HD95 2.06±1.17 *2.04±1.13 2.09±1.28 2.64±1.91 2.04±1.15 2.06±1.14 2.1±1.3 2.08±1.23
small OOD B0   182.01±128.12 201.0±142.69 *152.05±108.79 312.12±190.99 *127.32±99.03 190.2±142.46 *160.08±115.51 *156.88±113.95
small OOD B1   61.51±52.63 *56.53±56.51 *58.13±50.52 109.61±107.83 *38.7±45.49 *43.59±48.43 69.23±56.09 *54.75±48.32
small OOD Dice 0.55±0.2 *0.57±0.2 *0.56±0.2 *0.59±0.17 *0.56±0.2 *0.56±0.2 *0.57±0.19 *0.56±0.2
small OOD HD95 39.57±28.9 39.46±29.43 39.86±29.06 40.54±29.47 39.83±30.19 39.56±29.15 39.68±28.32 39.62±28.76
"""  # noqa: E501


@pytest.fixture(scope="module")
def results(shared_data):
    folder = shared_data / "topomortar_results"
    if not folder.is_dir():
        pytest.skip(f"no published results in {shared_data}")
    return folder


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(row["setting"], row["set"], row["metric"], row["loss"]): row for row in rows}


def test_every_published_cell_comes_out(results, tmp_path):
    """Means, spreads and bold cells, with the command and its 10 000 flips."""
    assert (
        main(["benchmark", "report", str(results), "--stat", "paper", "--out", str(tmp_path)]) == 0
    )
    rows = read(tmp_path / "table.csv")
    assert len(rows) == 2 * 2 * 4 * 8
    checked = 0
    for line in TABLE.strip().splitlines():
        size, chosen, metric, *cells = line.split()
        for loss, cell in zip(COLUMNS, cells, strict=True):
            row = rows["supervised/accurate/" + size, chosen, METRICS[metric], loss]
            mean, std = map(float, cell.strip("*").split("±"))
            where = f"{size} {chosen} {metric} {loss}"
            assert round(float(row["mean"]), 2) == mean, where
            assert round(float(row["std"]), 2) == std, where
            assert (row["bold"] == "True") == cell.startswith("*"), f"{where}: p = {row['p']}"
            checked += 1
    assert checked == 128
    text = (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert "**1.17±2.26**" in text
    assert "3.31±6.60" in text


def test_few_published_gains_survive_when_an_image_counts_once(results, tmp_path):
    """Uncorrected, two-sided, seeds averaged: 2 of 7, 6 of 11 and 18 of 20 bold cells remain.

    The counts were first found with another implementation of both tests.
    """
    rows = report(results, tmp_path)
    single = {(r.setting[-5:], r.set, r.metric, r.loss): r.p_single for r in rows}
    kept: dict[str, list[bool]] = {}
    for line in TABLE.strip().splitlines():
        size, chosen, metric, *cells = line.split()
        case = size if size == "small" else chosen
        for loss, cell in zip(COLUMNS, cells, strict=True):
            if cell.startswith("*"):
                p = single[size, chosen, METRICS[metric], loss]
                kept.setdefault(case, []).append(p < 0.05)
    assert {case: (sum(x), len(x)) for case, x in kept.items()} == {
        "ID": (2, 7),
        "OOD": (6, 11),
        "small": (18, 20),
    }
    assert single["large", "ID", "Betti1Error", "CESkeletonRecallLoss"] == pytest.approx(
        0.17, abs=0.02
    )


def test_the_leaderboard_has_the_published_cells():
    """Each cell of the page's published rows, stars included."""
    page = leaderboard.PAGE.read_text(encoding="utf-8")
    shown = {
        tuple(cell.strip().replace(" ± ", "±").removesuffix(" *") for cell in line.split("|")[6:10])
        for line in page.splitlines()
        if "| published |" in line
    }
    by_loss = {}
    for line in TABLE.strip().splitlines():
        size, group, _, *cells = line.split()
        for loss, cell in zip(COLUMNS, cells, strict=True):
            by_loss.setdefault((size, group, loss), []).append(cell.removeprefix("*"))
    assert shown == set(map(tuple, by_loss.values()))
    published = [line for line in page.splitlines() if "| published |" in line]
    assert "".join(published).count(" *") == TABLE.count("*")


def test_the_leaderboard_has_the_rows_of_our_runs():
    page = leaderboard.PAGE.read_text(encoding="utf-8")
    assert page == leaderboard.remade(page), "python tools/leaderboard.py"
    shown = re.findall(r"<!-- ours: (\w+) -->", page)
    assert {"topomortar", "topomortar_256", "membranes_long", "cracks_long", "vessels_long"} <= set(
        shown
    )
    assert page.count("| seglosses ") >= 30
    changed = re.sub(r"(\| `ce_dice` .*?)(\d)(?= ±)", r"\g<1>0\2", page, count=1)
    assert changed != page
    assert leaderboard.remade(changed) == page


def test_the_leaderboard_has_the_rows_of_the_published_scores(results):
    page = leaderboard.PAGE.read_text(encoding="utf-8")
    sets = re.findall(r"<!-- published: (\w+) (\w+) -->", page)
    assert sets == [(size, chosen) for size in ("large", "small") for chosen in ("ID", "OOD")]
    for chosen in sets[:1]:
        assert leaderboard.published(results, *chosen) in page
