"""The tables of docs/evidence.md are those of the runs that lie beside it."""

from __future__ import annotations

import csv
import json
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from seglosses.benchmark.report import report
from seglosses.cli import main

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import evidence  # noqa: E402
from evidence_parts import glance, twice  # noqa: E402
from evidence_parts.runs import MIXINS, PROPOSAL, PROPOSED, SETS, TWICE  # noqa: E402

DOCS = ROOT / "docs"
RUNS = DOCS / "evidence" / "runs"
METRICS = {
    "Betti-0 error": "Betti0Error_mortar",
    "Betti-1 error": "Betti1Error_mortar",
    "Dice": "Dice_mortar",
    "HD95, px": "HD95_mortar",
    "clDice": "clDice_mortar",
}


Rows = list[dict[str, str]]


def tables(kind: str = "runs") -> list[tuple[str, str, Rows]]:
    """Folder, set and rows of each table that a comment says is made of runs, or curves of them.

    The set is that of the report, ID where the comment names none.
    """
    found = []
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    comment = rf"<!-- {kind}: (\S+)(?: (ID|OOD))? -->\n\n((?:\|.*\n)+)"
    for folder, part, table in re.findall(comment, page):
        head, _, *body = (
            [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]
            for line in table.splitlines()
        )
        # a column of p belongs to the metric before it
        names = [f"p of {head[at - 1]}" if name == "p" else name for at, name in enumerate(head)]
        found.append((folder, part or "ID", [dict(zip(names, row, strict=True)) for row in body]))
    return found


def glances(kind: str = "glance") -> list[tuple[str, list[list[str]]]]:
    """Metric and cells, the head first, of each table of all sets."""
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    return [
        (
            metric,
            [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.split("\n")],
        )
        for metric, lines in re.findall(rf"<!-- {kind}: (.+) -->\n\n((?:\|.*\n)+?)\n", page)
    ]


def scores(folder: str, part: str, mixin: str, metric: str) -> np.ndarray:
    """(seeds, images): images of the distribution, or all others."""
    with (RUNS / folder / "dataset_types.txt").open(encoding="utf-8") as file:
        inside = {row["ID"]: row["group"] == "indistr" for row in csv.DictReader(file)}
    (place,) = RUNS.glob(f"{folder}/*/*/*/{mixin}")
    columns = []
    for path in sorted(place.glob("*.csv"), key=lambda path: int(path.stem)):
        with path.open(encoding="utf-8") as file:
            wanted = [row for row in csv.DictReader(file) if inside[row["ID"]] == (part == "ID")]
        columns.append([float(row[metric]) for row in wanted])
    return np.array(columns)


def digits(text: str) -> int:
    return len(text.partition(".")[2])


def same(text: str, value: float) -> bool:
    """Whether a printed number is a value, rounded."""
    plain = text.replace("−", "-").replace("+", "")
    return abs(float(plain) - value) <= 0.50001 * 10.0 ** -digits(plain)


def is_tested(rows: Rows) -> bool:
    """Whether a table has changes with p, or else means."""
    return any("p of" in key for key in rows[0])


@pytest.mark.parametrize(
    ("folder", "part", "rows"), [table for table in tables() if not is_tested(table[2])]
)
def test_means_are_those_of_the_runs(folder: str, part: str, rows: Rows) -> None:
    first = next(iter(rows[0]))
    for row in rows:
        mixin = MIXINS[row[first]]
        for name, metric in METRICS.items():
            if name not in row:
                continue
            found = scores(folder, part, mixin, metric)
            mean, *rest = re.findall(r"[\d.]+", row[name])
            assert same(mean, found.mean()), (row[first], name)
            spread, seeds = rest[:1], rest[1:]
            for text in spread:
                assert same(text, found.mean(axis=0).std(ddof=1)), (row[first], name)
            assert len(seeds) in (0, len(found)), (row[first], name)
            assert all(map(same, seeds, found.mean(axis=1))), (row[first], name)


def test_every_table_is_found() -> None:
    """A comment with a slip of the pen would leave its table out."""
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    found = len(tables()) + len(tables("curves")) + len(glances()) + len(glances("twice"))
    assert page.count("<!--") == found
    shown = {TWICE[row[0]] for _, lines in glances("twice") for row in lines[2:] if row[0]}
    assert {folder for folder, _, _ in tables()} | shown == {
        path.name for path in RUNS.iterdir() if path.name != "topomortar"
    }


def test_changes_are_those_of_the_report(tmp_path: Path) -> None:
    tested = [table for table in tables() if is_tested(table[2])]
    assert tested
    for folder, part, rows in tested:
        out = tmp_path / folder
        words = ["benchmark", "report", str(RUNS / folder), "--baseline", "ce_dice"]
        assert main([*words, "--out", str(out)]) == 0
        with (out / "table.csv").open(encoding="utf-8") as file:
            parts = [row for row in csv.DictReader(file) if row["set"] == part]
        cells = {(row["loss"], row["metric"]): row for row in parts}
        for row in rows:
            for name, metric in METRICS.items():
                if name not in row:
                    continue
                cell = cells[MIXINS[row["loss"]], metric.removesuffix("_mortar")]
                numbers = re.findall(r"[−+]?[\d.]+", row[name])
                keys = ("difference", "difference_low", "difference_high")
                for text, key in zip(numbers, keys, strict=True):
                    assert same(text, float(cell[key])), (row["loss"], name, key)
                p = row[f"p of {name}"]
                right = float(cell["p"]) < 0.0005 if p == "<0.001" else same(p, float(cell["p"]))
                assert right, (row["loss"], name)


@pytest.mark.parametrize(("metric", "cells"), glances())
def test_the_glance_is_of_the_runs(metric: str, cells: list[list[str]]) -> None:
    """Means of CSVs; bold and slanted from the words of the page: p and interval of its tables."""
    tested = {
        (table[0], MIXINS[row["loss"]]): row
        for table in tables()
        if is_tested(table[2]) and table[1] == "ID"
        for row in table[2]
    }
    head, _, *rows = [line for line in cells if line != [""]]
    assert len(rows) == 11
    for name, *shown in rows:
        for place, cell in zip(head[1:], shown, strict=True):
            folder = SETS[place]
            proposed = name == PROPOSAL
            mixin = PROPOSED[place] if proposed else MIXINS[name]
            if not list(RUNS.glob(f"{folder}/*/*/*/{mixin}")):
                assert cell == "–"
                continue
            ours, base = (
                scores(folder, "ID", loss, METRICS[metric]).mean() for loss in (mixin, "ce_dice")
            )
            text = cell.strip("*_")
            value = ours - base if metric == "Dice" else 100 * ours / base
            assert same(text.removesuffix(" %"), value), (name, place)
            row = tested[folder, mixin]
            change, low, high = (
                float(part.replace("−", "-")) for part in re.findall(r"[−+][\d.]+", row[metric])
            )
            sure = float(row[f"p of {metric}"].lstrip("<")) < 0.05 and low * high > 0
            better = (change > 0) == (metric == "Dice")
            assert cell[0] == (("*" if better else "_") if sure else text[0]), (name, place)


@pytest.mark.parametrize(("title", "cells"), glances("twice"))
def test_twice_as_long_is_of_the_runs(title: str, cells: list[list[str]]) -> None:
    """Means, changes of the same seeds and Student's intervals; curves of the cards."""
    _, _, *rows = [line for line in cells if line != [""]]
    assert len(rows) == len([folder for folder in TWICE.values() if (RUNS / folder).is_dir()])
    for place, *shown in rows:
        if title == twice.CURVES:
            for folder, (iters, last, fallen) in zip(
                (SETS[place], TWICE[place]), (shown[:3], shown[3:]), strict=True
            ):
                cards = [json.loads(path.read_text("utf-8")) for path in of_baseline(folder)]
                assert {str(card["iters"]) for card in cards} == {iters}
                if last == "–":
                    assert any("loss_curve" not in card for card in cards)
                    continue
                curve = np.mean([card["loss_curve"] for card in cards], axis=0)
                assert same(last, curve[-1])
                falls = curve[-2:].sum() / curve[-4:-2].sum() - 1
                assert same(fallen.removesuffix(" %"), 100 * falls)
            continue
        longer = scores(TWICE[place], "ID", "ce_dice", METRICS[title])
        once = scores(SETS[place], "ID", "ce_dice", METRICS[title])
        ours = scores(SETS[place], "ID", PROPOSED[place], METRICS[title])
        assert same(shown[0], once.mean())
        assert same(shown[1], longer.mean())
        assert same(shown[4], ours.mean())
        seeds = len(longer)
        for cell, one, two in ((shown[2], longer, once), (shown[5], ours, longer)):
            gaps = one[:seeds].mean(axis=1) - two[:seeds].mean(axis=1)
            half = t.ppf(0.975, seeds - 1) * gaps.std(ddof=1) / seeds**0.5
            numbers = re.findall(r"[−+][\d.]+", cell)
            ends = (gaps.mean(), gaps.mean() - half, gaps.mean() + half)
            assert all(map(same, numbers, ends)), (place, cell)
        low, high = (float(part.replace("−", "-")) for part in numbers[1:])
        sure = low * high > 0 and float(shown[6].lstrip("<")) < 0.05
        better = (high < 0) == (title != "Dice")
        mark = ("*" if better else "_") if sure else numbers[0][0]
        assert shown[5][0] == mark, (place, title)


MIXIN = "ce_dice_cldice_betti_matching"
BESIDE = [
    (
        "vessels_long",
        MIXIN,
        "ID",
        "Betti0Error",
        "37 fewer wrong components",
        "[−58, −16]",
        "0.008",
    ),
    ("vessels_long", MIXIN, "ID", "Betti1Error", "2.2 fewer", "[−2.4, −1.9]", "0.029"),
    ("cracks_long", MIXIN, "ID", "Betti0Error", "−0.25 components", "[−0.81, +0.32]", "1"),
    ("membranes_long", MIXIN, "ID", "Betti0Error", "+1.6", "[−2.5, +5.6]", None),
    ("membranes_long", MIXIN, "ID", "Betti1Error", "two more wrong loops", "[+0.3, +3.8]", None),
    ("topomortar_256", MIXIN, "ID", "Betti0Error", "−0.19 components", "[−0.70, +0.31]", None),
    ("topomortar_256", MIXIN, "ID", "Betti1Error", "+0.14 loops", "[−0.14, +0.43]", None),
    ("topomortar_256", MIXIN, "OOD", "Betti0Error", "−10.8", "[−17.3, −4.2]", "0.020"),
    ("topomortar_256", "advised", "OOD", "Betti0Error", "−11.5", "[−27.6, +4.7]", "0.029"),
]


@pytest.mark.parametrize("said", BESIDE, ids=lambda said: " ".join(said[:4]))
def test_losses_beside_each_other_are_those_of_the_report(
    said: tuple[str, str, str, str, str, str, str | None],
) -> None:
    """What the words say of the prior against Betti matching, both beside clDice."""
    folder, baseline, part, metric, change, interval, p = said
    page = " ".join((DOCS / "evidence.md").read_text(encoding="utf-8").split())
    assert change in page
    assert interval in page
    with tempfile.TemporaryDirectory() as out:
        rows = report(RUNS / folder, Path(out), baseline=baseline)
    key = (part, metric, "ce_dice_cldice_topological_prior")
    (row,) = [row for row in rows if (row.set, row.metric, row.loss) == key]
    ends = re.findall(r"[−+][\d.]+", interval)
    assert all(map(same, ends, (row.difference_low, row.difference_high)))
    if told := re.match(r"[−+]?[\d.]+", change):
        sign = -1 if "fewer" in change else 1
        assert same(told[0], sign * row.difference)
    if p is not None:
        assert f"p {p}" in page
        assert same(p, row.p)


def of_baseline(folder: str) -> list[Path]:
    return sorted(RUNS.glob(f"{folder}/*/*/*/ce_dice/*.json"))


LABELS = {
    "TopoMortar": "topomortar/train/accurate",
    "cracks": "thin/cracks/labels",
    "membranes": "thin/membranes/labels",
    "vessels": "thin/vessels/labels",
}


@pytest.mark.parametrize("place", LABELS)
def test_what_is_called_proposed_is_proposed(place: str, shared_data: Path) -> None:
    from mmengine.config import Config

    from seglosses.advise import Source, propose, survey

    proposal = propose(survey(Source(shared_data / LABELS[place], limit=8))[0])
    mixin = PROPOSED[place].replace("advised", "ce_dice_cldice_betti_matching")
    listed = Config.fromfile(str(ROOT / "configs" / "losses" / f"{mixin}.py")).loss_decode
    assert [term.loss for term in proposal.terms] == [
        each["type"].removeprefix("seglosses.") for each in listed
    ]
    for term, each in zip(proposal.terms, listed, strict=True):
        assert term.loss_weight == each.get("loss_weight", 1.0)


def test_the_picture_is_what_the_tool_draws() -> None:
    """Its dots are where the table says, full where that is bold or slanted."""
    drawn = glance.PICTURE.read_text(encoding="utf-8")
    assert drawn == glance.picture(), "python tools/evidence.py"
    dots = re.findall(r'<circle cx="([\d.]+)" cy="[\d.]+" r="3.2" fill="(\S+)"', drawn)
    cells = [
        cell
        for metric, lines in glances()[:2]
        for line in lines[2:]
        for cell in line[1:]
        if cell not in ("–", "")
    ]
    assert len(dots) == len(cells)
    for (x, fill), cell in zip(dots, cells, strict=True):
        percent = float(cell.strip("*_").removesuffix(" %"))
        assert abs(float(x) / glance.WIDE * glance.MOST - min(percent, glance.MOST)) < 0.6
        assert (fill == "#ffffff") == (cell[0] not in "*_")


@pytest.mark.parametrize(("folder", "part", "rows"), tables("curves"))
def test_curves_are_those_of_the_cards(folder: str, part: str, rows: Rows) -> None:
    for row in rows:
        cards = sorted(RUNS.glob(f"{folder}/*/*/*/{MIXINS[row['loss']]}/*.json"))
        curves = np.array([json.loads(path.read_text("utf-8"))["loss_curve"] for path in cards])
        means = [row[f"{eighth}/8"] for eighth in range(1, 9)]
        assert all(map(same, means, curves.mean(axis=0))), row
        fallen = curves[:, 6:].mean() / curves[:, 4:6].mean() - 1
        assert same(row["last quarter"].removesuffix(" %"), 100 * fallen), row


def test_the_page_is_what_the_tool_writes() -> None:
    """Every row of a folder's losses, and what a wrong digit or a lost row becomes."""
    page = evidence.PAGE.read_text(encoding="utf-8")
    assert page == evidence.remade(page), "python tools/evidence.py"
    changed = page.replace("| + cbDice | 3.6 ±", "| + cbDice | 3.7 ±")
    last = r"\| \+ 0.5 clDice \+ 0.01 topological prior \| [\d.]+ \| [\d.]+ \| .*\n"
    row, *_ = re.findall(last, page)
    changed = changed.replace(row, "")
    assert changed.count("\n") == page.count("\n") - 1
    assert "3.7 ±" in changed
    assert evidence.remade(changed) == page


def test_finished_runs_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without its card is still at work."""
    monkeypatch.setattr(evidence, "RUNS", tmp_path / "kept")
    runs = tmp_path / "runs"
    place = runs / "supervised" / "accurate" / "large" / "ce_dice"
    (place / "0").mkdir(parents=True)
    for name in ("0.csv", "0.json", "1.csv", "0/last.pth"):
        (place / name).write_text(name)
    (runs / "dataset_types.txt").write_text("ID,group\n")
    assert evidence.take(runs, "short") == 1
    found = {path.name for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert found == {"0.csv", "0.json", "dataset_types.txt"}
