"""Reading runs, pairing them, and what is written about them."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seglosses.benchmark.checkout import ROOT
from seglosses.benchmark.report import report
from seglosses.benchmark.results import METRICS, read_results
from seglosses.cli import main
from tests.benchmark.written_runs import GROUP, HEADS, rows_of, write_groups, write_run


def test_paper_pools_images_and_runs(runs, tmp_path):
    found = rows_of(report(runs, tmp_path / "out", stat="paper"), "ID", "Betti0Error")
    base, ours = found["CEDiceLoss"], found["clDiceLoss"]
    # 4, 6, 6, 6: mean 5.5, squared distances 2.25 + 3 * 0.25 = 3, over n - 1 = 3
    assert base.mean == 5.5
    assert base.std == pytest.approx(1.0)
    # differences -1, -1, -3, -1 sum to -6; of 16 patterns one sums to +6 or more
    assert ours.p == pytest.approx(1 / 16, abs=0.01)
    assert not ours.bold
    assert np.isnan(base.p)


def test_image_averages_seeds_first(runs, tmp_path):
    found = rows_of(report(runs, tmp_path / "out"), "ID", "Betti0Error")
    base, ours = found["CEDiceLoss"], found["clDiceLoss"]
    # seeds averaged: 5, 6
    assert base.mean == 5.5
    assert base.std == pytest.approx(np.sqrt(0.5))
    # two images: both signs agree in 2 of 4 patterns
    assert ours.p_single == pytest.approx(0.5, abs=0.02)
    # the runs' means are 5 and 6, ours 4 and 4
    assert ours.difference == -1.5
    assert (base.low, base.high) == pytest.approx(
        (5.5 - 12.706 * 0.5, 5.5 + 12.706 * 0.5), abs=1e-3
    )
    # 3 and 5 against 5 and 6: smaller three times, equal once
    assert ours.delta == 0.75
    assert ours.ratio == pytest.approx(4 / 5.5)


def test_groups_count_alike(runs, tmp_path):
    found = rows_of(report(runs, tmp_path / "out"), "OOD", "Betti0Error")
    # angles 9; colours (10 + 21) / 2 = 15.5
    assert found["CEDiceLoss"].mean == pytest.approx((9 + 15.5) / 2)
    assert found["CEDiceLoss"].images == 3


def test_the_sentinel_is_the_diagonal(runs, tmp_path):
    found = rows_of(report(runs, tmp_path / "out"), "OOD", "HD95")
    # angles 2; colours (2 + 722.66) / 2
    expected = (2 + (2 + 511 * np.sqrt(2)) / 2) / 2
    assert found["CEDiceLoss"].mean == pytest.approx(expected)
    write_run(runs, "CEDiceLoss", 1, dict.fromkeys(GROUP, (1, 1, 1, 9999999)),
              card={"image_size": [4, 5]})  # fmt: skip
    assert read_results(runs)[0].values[0, 0, 3] == 5


def test_holm_covers_losses_and_metrics_of_a_set(runs, tmp_path):
    rows = [row for row in report(runs, tmp_path / "out") if row.set == "ID"]
    tested = [row for row in rows if row.p == row.p]
    assert len(tested) == 4
    # Betti-1 and HD95 never differ, Betti-0 and Dice have p = 1/2: times 4 and 3, at most 1
    assert {row.metric: row.p for row in tested} == dict.fromkeys(
        ("Betti0Error", "Betti1Error", "Dice", "HD95"), 1.0
    )


def test_many_images_make_it_bold(tmp_path):
    root = tmp_path / "runs"
    names = [f"{n:03d}" for n in range(20)]
    write_groups(root, dict.fromkeys(names, "indistr"))
    rng = np.random.default_rng(0)
    for seed in range(3):
        noise = rng.normal(0, 0.001, 20)
        write_run(
            root,
            "ce_dice",
            seed,
            {n: (5, 3, 0.8 + e, 2) for n, e in zip(names, noise, strict=True)},
        )
        write_run(
            root, "new", seed, {n: (2, 3, 0.9 + e, 2.5) for n, e in zip(names, noise, strict=True)}
        )
    rows = {row.metric: row for row in report(root, tmp_path / "out") if row.loss == "new"}
    assert {name: row.bold for name, row in rows.items()} == {
        "Betti0Error": True, "Betti1Error": False, "Dice": True, "HD95": False,
    }  # fmt: skip
    assert rows["HD95"].p < 0.05
    assert rows["HD95"].delta == -1
    assert rows["Dice"].delta == 1
    assert rows["Dice"].difference_low > 0.09


@pytest.mark.parametrize(
    ("gains", "bold"), [((3.0, 3.1, 2.9), True), ((9.0, 0.5, -0.5), False), ((3.0,), False)]
)
def test_bold_needs_images_and_runs(tmp_path, gains, bold):
    root, names = tmp_path / "runs", [f"{n:03d}" for n in range(30)]
    write_groups(root, dict.fromkeys(names, "indistr"))
    for seed, gain in enumerate(gains):
        write_run(root, "ce_dice", seed, {n: (20, 1, 0.5, 1) for n in names})
        write_run(root, "new", seed, {n: (20 - gain, 1, 0.5, 1) for n in names})
    row = rows_of(report(root, tmp_path / "out"), "ID", "Betti0Error")["new"]
    assert row.p < 0.05
    assert (row.bold, row.images_only) == (bold, not bold)
    shown = "**17.00±0.00**" if bold else f"{row.mean:.2f}±0.00 †"
    assert shown in (tmp_path / "out" / "tables.md").read_text("utf-8")
    assert (" ★<" if bold else " †<") in (tmp_path / "out" / "report.html").read_text("utf-8")
    dagger = r"$17.00^{\dagger} \pm 0.00$" if len(gains) == 1 else r"^{\dagger}"
    assert (dagger in (tmp_path / "out" / "tables.tex").read_text("utf-8")) is not bold


def test_other_sizes_and_lengths_have_a_column(runs, tmp_path):
    own = tmp_path / "own"
    card = {"image_size": [512, 512], "iters": 300, "leaf": "configs/topomortar/unet_512.py"}
    write_run(own, "ce_dice", 0, {"071": (2, 1, 0.5, 1), "072": (2, 3, 0.7, 3)}, card=card)
    write_groups(own)
    report(own, tmp_path / "alone")
    assert "protocol" not in (tmp_path / "alone" / "tables.md").read_text("utf-8")
    report(own, tmp_path / "out", published=runs)
    markdown = (tmp_path / "out" / "tables.md").read_text("utf-8")
    assert "| 512 × 512 px, 300 iterations, unet_512 |" in markdown
    assert markdown.count("| 512 × 512 px, published |") == 2
    assert "<td>512 × 512 px, published</td>" in (tmp_path / "out" / "report.html").read_text()
    assert r"512 $\times$ 512 px, published \\" in (tmp_path / "out" / "tables.tex").read_text()
    write_run(own, "longer", 0, {"071": (2, 1, 0.5, 1), "072": (2, 3, 0.7, 3)},
              card={**card, "iters": 600})  # fmt: skip
    report(own, tmp_path / "own_only")
    assert "600 iterations" in (tmp_path / "own_only" / "tables.md").read_text("utf-8")


def test_a_single_image_has_no_spread(runs, tmp_path):
    write_groups(runs, {**GROUP, "072": "angles"})
    report(runs, tmp_path / "out")
    for name in ("tables.md", "tables.tex", "report.html"):
        text = (tmp_path / "out" / name).read_text("utf-8")
        assert not re.search(r"(±|pm )nan|\bnan\b", text), name
    assert "| 5.00 |" in (tmp_path / "out" / "tables.md").read_text("utf-8")


def test_undefined_scores_are_left_out(runs, tmp_path):
    path = runs / "supervised/accurate/large/clDiceLoss/1.csv"
    path.write_text(
        path.read_text().replace("071,0.5,3,0.25,1,0.6,1,0.75", "071,0.5,3,0.25,1,0.6,1,")
    )
    rows = report(runs, tmp_path / "out", metrics=["clDice"], stat="paper")
    assert rows_of(rows, "ID", "clDice")["clDiceLoss"].mean == 0.75


def test_what_is_written(runs, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["benchmark", "report", str(runs), "--out", str(out), "--flips", "200"]) == 0
    with (out / "table.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0])[:8] == [
        *("setting", "set", "metric", "loss", "mean", "std", "bold", "p"),
    ]
    assert len(table) == 2 * 4 * 2
    assert table[0]["loss"] == "CEDiceLoss"
    assert table[0]["p"] == ""
    markdown = (out / "tables.md").read_text()
    assert "| loss | Betti-0 error ↓ | " in markdown
    assert "| CEDiceLoss | 5.50±0.71 | " in markdown
    assert "| clDiceLoss | 4.00±1.41 | " in markdown
    assert "## supervised/accurate/large, OOD" in markdown
    assert markdown in capsys.readouterr().out
    latex = (out / "tables.tex").read_text()
    assert r" & Betti-0 error $\downarrow$ & " in latex
    assert r"clDiceLoss & $4.00 \pm 1.41$ & " in latex
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 2 * 2
    assert "Cost and benefit" not in page
    assert "http" not in page


def test_costs_are_shown_where_runs_say_them(runs, tmp_path):
    for loss, seconds in (("CEDiceLoss", 0.2), ("clDiceLoss", 0.3)):
        for seed in (1, 2):
            card = {"seconds_per_iteration": seconds, "peak_memory_mib": 700 + seed}
            path = runs / "supervised/accurate/large" / loss / f"{seed}.json"
            path.write_text(json.dumps(card))
    report(runs, tmp_path / "out", figures=["svg"])
    assert "bars span the runs" in (tmp_path / "out" / "figures" / "captions.md").read_text()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Cost and benefit" in page
    assert 'data-value="0.3">300<' in page
    assert ">702<" in page


def test_whether_trainings_were_long_enough(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By hand: (0.5 + 0.25) / (1 + 0.5) is a half, and an eighth of the other is not known."""
    place = runs / "supervised/accurate/large"
    for seed in (1, 2):
        card = {"iters": 800, "loss_curve": [4.0, 3.0, 2.0, 1.5, 1.0, 0.5, 0.5, 0.25]}
        (place / f"CEDiceLoss/{seed}.json").write_text(json.dumps(card))
        card["loss_curve"] = [4.0, 3.0, 2.0, 1.5, 1.0, 1.0, 1.5, None]
        (place / f"clDiceLoss/{seed}.json").write_text(json.dumps(card))
    out = tmp_path / "out"
    words = ["benchmark", "report", str(runs), "--out", str(out), "--figures", "svg"]
    assert main([*words, "--names", "CEDiceLoss=CE + Dice"]) == 0
    said = "against that of the quarter before: CE + Dice -50.0%, clDiceLoss not known"
    printed = capsys.readouterr().out
    assert f"{said} (a part of a training has no loss in its log)." in printed
    page = (out / "report.html").read_text()
    assert "Were the trainings long enough?" in page
    assert 'data-value="-0.5">-50.0%<' in page
    assert ">nan" not in page
    (drawn,) = (out / "figures").glob("*training-loss.svg")
    curves = re.findall(r'polyline points="([^"]*)"', drawn.read_text())
    assert [len(curve.split()) for curve in curves] == [8, 7]
    assert "Runs averaged: CE + Dice 2, clDiceLoss 2." in (out / "figures/captions.md").read_text()


def test_a_loss_whose_curve_is_not_known_is_named(runs: Path, tmp_path: Path) -> None:
    place = runs / "supervised/accurate/large"
    for seed in (1, 2):
        card = {"loss_curve": [2.0] * 4 + [1.0] * 4}
        (place / f"CEDiceLoss/{seed}.json").write_text(json.dumps(card))
    report(runs, tmp_path / "out")
    text = (tmp_path / "out" / "tables.md").read_text()
    assert "CEDiceLoss +0.0%, clDiceLoss not known (not in the card of every run)." in text


def test_losses_with_different_numbers_of_runs_say_so(runs: Path, tmp_path: Path) -> None:
    note = "not all losses have the runs of the baseline"
    report(runs, tmp_path / "alike")
    assert note not in (tmp_path / "alike" / "tables.md").read_text()
    assert "| runs |" not in (tmp_path / "alike" / "tables.md").read_text()
    (runs / "supervised/accurate/large/clDiceLoss/2.csv").unlink()
    report(runs, tmp_path / "out")
    markdown = (tmp_path / "out" / "tables.md").read_text()
    assert f"{note} (CEDiceLoss 1-2; clDiceLoss 1)" in markdown
    assert "none is shared" not in markdown
    assert "| runs |" in markdown
    assert re.search(r"^\| CEDiceLoss \|.*\| 2 \|$", markdown, re.MULTILINE)
    assert re.search(r"^\| clDiceLoss \|.*\| 1 \|$", markdown, re.MULTILINE)
    assert r" & runs \\" in (tmp_path / "out" / "tables.tex").read_text()
    assert "<td>1</td>" in (tmp_path / "out" / "report.html").read_text()


def test_runs_with_other_seeds_are_told_from_those_of_the_baseline(
    runs: Path, tmp_path: Path
) -> None:
    """Their number is equal, and no change over runs is known."""
    place = runs / "supervised/accurate/large/clDiceLoss"
    for seed in (1, 2):
        (place / f"{seed}.csv").rename(place / f"{seed + 4}.csv")
    rows = report(runs, tmp_path / "out")
    assert all(math.isnan(row.difference) for row in rows)
    markdown = (tmp_path / "out" / "tables.md").read_text()
    assert "(CEDiceLoss 1-2; clDiceLoss 5-6)" in markdown
    assert "clDiceLoss: none is shared, so that no change over runs is known." in markdown


def test_images_that_a_loss_leaves_undefined_are_not_what_it_wins_by(tmp_path: Path) -> None:
    """The baseline is bad on six hard images; ours has no score there and is worse elsewhere."""
    names = [f"{number:03d}" for number in range(20)]
    write_groups(tmp_path / "runs", dict.fromkeys(names, "indistr"))
    for seed in range(3):
        base = {name: (1, 1, 0.1 if at < 6 else 0.9, 1) for at, name in enumerate(names)}
        ours = {name: (1, 1, "" if at < 6 else 0.88, 1) for at, name in enumerate(names)}
        write_run(tmp_path / "runs", "CEDiceLoss", seed, base)
        write_run(tmp_path / "runs", "clDiceLoss", seed, ours)
    row = rows_of(report(tmp_path / "runs", tmp_path / "out"), "ID", "Dice")["clDiceLoss"]
    assert row.mean == pytest.approx(0.88)
    assert (row.difference, row.difference_low) == pytest.approx((-0.02, -0.02))
    assert (row.delta, row.images) == (-1.0, 14)
    assert row.ratio == pytest.approx(0.88 / 0.9)
    assert row.p < 0.05
    assert (row.bold, row.images_only) == (False, False)
    markdown = (tmp_path / "out" / "tables.md").read_text()
    assert "Dice of clDiceLoss is compared on 14 of 20 images" in markdown


def test_groups_count_alike_also_where_images_are_undefined(tmp_path: Path) -> None:
    """Three of four images of a group are undefined: the other one is the group."""
    groups = {**dict.fromkeys("1234", "angles"), "5": "colors", "6": "graffiti"}
    write_groups(tmp_path / "runs", groups)
    for loss, found in (("CEDiceLoss", [5] * 6), ("clDiceLoss", [9, "", "", "", 2, 6])):
        numbers = {name: (error, 0, 1, 1) for name, error in zip("123456", found, strict=True)}
        write_run(tmp_path / "runs", loss, 1, numbers)
    row = rows_of(report(tmp_path / "runs", tmp_path / "out"), "OOD", "Betti0Error")["clDiceLoss"]
    assert row.difference == pytest.approx((4 - 3 + 1) / 3)
    # of +-4 +-3 +-1 three in four reach 2; with a quarter of the first all would
    assert row.p_single == 0.75


def test_a_mean_of_nothing_is_a_dash(runs: Path, tmp_path: Path) -> None:
    for path in (runs / "supervised/accurate/large/clDiceLoss").glob("*.csv"):
        lines = [line.split(",") for line in path.read_text().splitlines()]
        text = [lines[0], *([*line[:5], "", *line[6:]] for line in lines[1:])]
        path.write_text("".join(",".join(line) + "\n" for line in text))
    report(runs, tmp_path / "out")
    for name in ("tables.md", "tables.tex"):
        assert "nan" not in (tmp_path / "out" / name).read_text()
    assert ">nan" not in (tmp_path / "out" / "report.html").read_text()
    assert re.search(
        r"^\| clDiceLoss \|.*\| – \|", (tmp_path / "out" / "tables.md").read_text(), re.M
    )


def test_runs_without_scores_are_named(runs: Path, tmp_path: Path) -> None:
    place = runs / "supervised/accurate/large"
    for name in ("clDiceLoss/2", "clDiceLoss/3", "TopoLoss/1"):
        (place / name).mkdir(parents=True)
        (place / name / "card.json").write_text("{}")
    report(runs, tmp_path / "out")
    assert (
        "Without scores, and in no table: supervised/accurate/large/TopoLoss/1,"
        " supervised/accurate/large/clDiceLoss/3."
    ) in (tmp_path / "out" / "tables.md").read_text()


def test_nothing_is_said_of_trainings_that_are_not_known(runs: Path, tmp_path: Path) -> None:
    card = {"iters": 800, "loss_curve": [1.0] * 8}
    (runs / "supervised/accurate/large/CEDiceLoss/1.json").write_text(json.dumps(card))
    report(runs, tmp_path / "out")
    assert "Converged?" not in (tmp_path / "out" / "tables.md").read_text()
    assert "long enough" not in (tmp_path / "out" / "report.html").read_text()


def test_published_runs_stand_beside_own_ones(runs, tmp_path):
    own = tmp_path / "own"
    for seed in (0, 1):
        write_run(own, "ce_dice", seed, {"071": (2, 1, 0.5, 1), "072": (2, 3, 0.7, 3)})
        write_run(own, "clDiceLoss", seed, {"071": (1, 1, 0.5, 1), "072": (1, 3, 0.7, 3)})
    rows = report(own, tmp_path / "out", published=runs, baseline="ce_dice")
    found = rows_of(rows, "ID", "Betti0Error")
    assert list(found) == ["ce_dice", "CEDiceLoss", "clDiceLoss", "clDiceLoss (published)"]
    assert found["CEDiceLoss"].mean == 5.5
    assert found["CEDiceLoss"].images == 2
    # own runs come first where both fit the name
    assert report(own, tmp_path / "out", published=runs)[0].loss == "ce_dice"


def test_every_metric_is_a_published_column():
    assert {f"{name}_mortar" for name in METRICS} == set(HEADS.split(",")[1:])


def test_a_report_needs_neither_torch_nor_mmengine():
    code = (
        "import sys; sys.modules['mmengine'] = None; import seglosses.benchmark; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_names_and_figures_for_papers(runs, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["benchmark", "report", str(runs), "--out", str(out), "--flips", "200"]
    names = "CEDiceLoss=CE + Dice,clDiceLoss=+ clDice_1"
    assert main([*words, "--names", names, "--figures", "svg,pdf"]) == 0
    assert "| + clDice_1 | " in (out / "tables.md").read_text()
    assert r"+ clDice\_1 &" in (out / "tables.tex").read_text()
    files = sorted(path.name for path in (out / "figures").iterdir())
    assert len([name for name in files if name.endswith(".pdf")]) == 4  # two metrics, two charts
    captions = (out / "figures" / "captions.md").read_text()
    assert "n = 5 images, seeds averaged (runs: CE + Dice 2, + clDice_1 2)" in captions
    assert "ID: n = 2 images, p = " in captions
    assert " (sign flips over images, Holm)" in captions
    assert main([*words, "--stat", "paper", "--figures", "svg"]) == 0
    captions = (out / "figures" / "captions.md").read_text()
    assert " (one-sided sign flips over images x seeds, uncorrected)" in captions
    assert main([*words, "--names", "CEDiceLoss=a,clDiceLoss=a"]) == 2
    assert "different names to show" in capsys.readouterr().err
    assert main([*words, "--names", "ce_dce=CE"]) == 2
    said = "no loss ce_dce to give a name to; expected some of CEDiceLoss, clDiceLoss"
    assert said in capsys.readouterr().err
    assert main([*words, "--names", "CEDiceLoss=CE|Dice"]) == 0
    assert r"| CE\|Dice | " in (out / "tables.md").read_text()
