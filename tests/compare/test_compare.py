"""Folders against each other: what is paired, tested, counted and written."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from seglosses.cli import main
from seglosses.compare import compare
from seglosses.compare.command import short_names
from seglosses.compare.page import write_page
from seglosses.compare.pictures import extremes, gains
from seglosses.evaluate import evaluate
from seglosses.evaluate.options import Options
from seglosses.report.statistics import sign_flip_test
from tests.compare.made import scored, write


def test_a_row_by_hand(folders: dict[str, Path]) -> None:
    row = compare(scored(folders, metrics=["dice", "hd95"], num_classes=2)).rows[0]
    first = np.array([2 * 25 / (26 + 29), *[2 * 25 / (25 + 29)] * 3])
    second = np.array([1.0, 1.0, 1.0, 0.0])
    assert (row.first, row.second, row.metric, row.n) == ("a", "b", "dice", 4)
    assert (row.wins, row.losses, row.ties) == (3, 1, 0)
    assert row.mean_first == pytest.approx(first.mean())
    assert row.mean_second == pytest.approx(second.mean())
    assert row.difference == pytest.approx((second - first).mean())
    assert row.low <= row.difference <= row.high
    assert row.p == sign_flip_test(second - first)[0]


def test_lower_is_better_of_distances(folders: dict[str, Path]) -> None:
    found = compare(scored(folders, metrics=["betti0_error"], num_classes=2)).rows[0]
    # A: 0, 1, 1, 1; B: 0, 0, 0, 2
    assert (found.mean_first, found.mean_second) == (0.75, 0.5)
    assert (found.wins, found.losses, found.ties) == (2, 1, 1)


def test_means_are_of_the_images_that_both_folders_define(folders: dict[str, Path]) -> None:
    row = compare(scored(folders, metrics=["dice"], num_classes=2, empty="nan")).rows[0]
    # B is empty on the last image
    first = np.array([2 * 25 / (26 + 29), *[2 * 25 / (25 + 29)] * 2])
    assert (row.n, row.mean_second) == (3, 1.0)
    assert row.mean_first == pytest.approx(first.mean(), abs=1e-12)


def test_holm_counts_every_row_of_the_table(folders: dict[str, Path]) -> None:
    rows = compare(scored(folders, metrics=["dice", "iou", "hd95"], num_classes=2)).rows
    # three tests of 4 images: the smallest times 3, and none falls below an earlier one
    p = sorted(row.p for row in rows)
    want = np.maximum.accumulate([min(1.0, 3 * p[0]), min(1.0, 2 * p[1]), p[2]])
    assert sorted(row.p_holm for row in rows) == pytest.approx(list(want))


def test_p_agrees_with_scipy_on_all_sign_patterns() -> None:
    gaps = np.random.default_rng(3).normal(0.4, 1, 10)
    exact = stats.permutation_test(
        (gaps, np.zeros(10)), lambda x, y, axis: (x - y).mean(axis), permutation_type="samples",
        n_resamples=np.inf, vectorized=True,
    ).pvalue  # fmt: skip
    assert sign_flip_test(gaps, flips=40_000)[0] == pytest.approx(exact, abs=0.01)


def test_windows_of_whole_images_are_no_tests_of_their_own(folders: dict[str, Path]) -> None:
    names = ["betti0_error", "betti0_error_window"]
    found = compare(scored(folders, metrics=names, num_classes=2))
    assert [row.metric for row in found.rows] == names[:1]
    found = compare(scored(folders, metrics=names, num_classes=2, options=Options(window=6)))
    assert [row.metric for row in found.rows] == names
    found = compare(scored(folders, metrics=names[1:], num_classes=2))
    assert [row.metric for row in found.rows] == names[1:]


def test_only_images_and_metrics_of_all(folders: dict[str, Path], tmp_path: Path) -> None:
    (folders["a"] / "4.npy").unlink()
    found = scored(folders, "a", num_classes=2, metrics=["dice"], keep_going=True)
    found |= scored(folders, "b", num_classes=2)
    rows = compare(found).rows
    assert [(row.metric, row.n) for row in rows] == [("dice", 3)]


def test_all_pairs_and_another_baseline(folders: dict[str, Path]) -> None:
    folders["c"] = folders["gt"]
    found = scored(folders, "abc", num_classes=2, metrics=["dice"])
    assert compare(found, pairs="all").pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    assert compare(found, baseline="b").pairs == [("b", "a"), ("b", "c")]
    forth, back = compare(found).rows[0], compare(found, baseline="b").rows[0]
    assert forth.difference == -back.difference
    assert (forth.wins, forth.losses) == (back.losses, back.wins)


def test_what_cannot_be_compared(folders: dict[str, Path]) -> None:
    found = scored(folders, num_classes=2, metrics=["dice"])
    with pytest.raises(ValueError, match="two folders or more, got 1"):
        compare({"a": found["a"]})
    with pytest.raises(ValueError, match="baseline of a, b, got 'z'"):
        compare(found, baseline="z")
    with pytest.raises(ValueError, match="rising sizes"):
        compare(found, sizes=[5, 2])
    other = {"a": found["a"], "b": evaluate(folders["b"], folders["gt"], num_classes=3)}
    with pytest.raises(ValueError, match="the same classes"):
        compare(other)
    with pytest.raises(ValueError, match="no metric 'hd95' to order"):
        gains(compare(found).paired, "a", "b", "hd95")


def test_images_are_ordered_by_the_difference(folders: dict[str, Path]) -> None:
    paired = compare(scored(folders, num_classes=2, metrics=["dice"])).paired
    won, lost = extremes(gains(paired, "a", "b", "dice"), 2)
    # the island on image 1 makes A worst there
    assert [paired.images[image] for image, _ in won] == ["1", "2"]
    assert [paired.images[image] for image, _ in lost] == ["4"]


def test_the_command_writes_what_it_says(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [str(folders["gt"]), str(folders["a"]), str(folders["b"]), "--out", str(out), "--quiet"]
    words += ["--num-classes", "2", "--names", "CE + Dice,β_2 & co", "--metrics", "dice,hd95"]
    assert main(["compare", *words, "--figures", "pdf,svg"]) == 0
    printed = capsys.readouterr().out
    assert "A = CE + Dice, B = β_2 & co" in printed
    assert len(printed.splitlines()) < 24
    with (out / "comparison.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["metric"], row["wins"]) for row in rows] == [("dice", "3"), ("hd95", "3")]
    with (out / "per_image.csv").open(encoding="utf-8") as file:
        assert [row["CE + Dice"] for row in csv.DictReader(file)][4:] == [
            repr(float(value)) for value in scored(folders)["a"].table.matrix("hd95").ravel()
        ]
    latex = (out / "tables.tex").read_text("utf-8")
    assert r"$\beta$\_2 \& co" in latex
    assert latex.count(r"\begin{tabular}") == 2
    assert r"metric & CE + Dice & $\beta$\_2 \& co & difference & " in latex
    assert "& CE + Dice covers & " in latex
    names = sorted(path.suffix for path in (out / "figures").iterdir())
    assert names.count(".pdf") == names.count(".svg") == 2 * 2 + 4
    captions = (out / "figures" / "captions.md").read_text("utf-8")
    assert "n = 4 images, better on 3, worse on 1; p = " in captions
    assert "$" not in captions


def test_scores_are_kept_and_a_changed_file_is_scored_anew(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    from seglosses.evaluate import workers as module

    score = module.score
    monkeypatch.setattr(module, "score", lambda f, s: (seen.append(f"{f.pred}"), score(f, s))[1])
    words = ["--num-classes", "2", "--metrics", "dice", "--quiet", "--workers", "0"]
    words += ["--out", str(tmp_path / "out")]
    two = [str(folders[name]) for name in ("gt", "a", "b")]
    assert main(["compare", *two, *words]) == 0
    assert len(seen) == 8
    folders["c"] = write(tmp_path / "c", dict.fromkeys("1234", np.ones((12, 12))))
    assert main(["compare", *two, str(folders["c"]), *words]) == 0
    assert len(seen) == 12
    np.save(folders["b"] / "4.npy", np.ones((12, 12), np.uint8))
    assert main(["compare", *two, *words]) == 0
    assert seen[12:] == [str(folders["b"] / "4.npy")]


def test_probabilities_of_each_folder_are_compared(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A is certain and wrong where it errs, B says 0.75 and is right in three of four pixels."""
    soft = {}
    for name in "ab":
        soft[name] = tmp_path / f"soft_{name}"
        soft[name].mkdir()
        for path in folders[name].glob("*.npy"):
            mask = np.load(path).astype(np.float32)
            np.save(soft[name] / path.name, mask if name == "a" else 0.125 + 0.75 * mask)
    words = ["compare", str(folders["gt"]), str(folders["a"]), str(folders["b"]), "--quiet"]
    words += ["--metrics", "brier,ece", "--num-classes", "2", "--out", str(tmp_path / "out")]
    assert main([*words, "--probabilities", str(soft["a"])]) == 2
    assert "each of the 2 folders" in capsys.readouterr().err
    maps = ["--probabilities", str(soft["a"]), str(soft["b"]), "--figures", "svg"]
    assert main([*words, *maps]) == 0
    with (tmp_path / "out" / "comparison.csv").open(newline="") as file:
        rows = {row["metric"]: row for row in csv.DictReader(file)}
    # A misses 4 of 144 pixels everywhere and adds one once; B is off by 1/8, or 7/8 in 29 of them
    first = np.mean([5, 4, 4, 4]) / 144
    second = np.mean([144, 144, 144, 115]) / 144 / 64 + 29 / 4 / 144 * 49 / 64
    assert float(rows["brier"]["mean_first"]) == pytest.approx(first)
    assert float(rows["brier"]["mean_second"]) == pytest.approx(second)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Reliability of all pixels" in page
    (figure,) = (tmp_path / "out" / "figures").glob("reliability-ece-*.svg")
    drawn = figure.read_text()
    # where A says 1 it is right but for the island; B says 0.875, all of which is true
    assert "a, 101 pixels: probability 1, share 0.99" in drawn
    assert "b, 87 pixels: probability 0.875, share 1" in drawn


def test_names_that_would_share_a_folder_are_refused(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folders[name]) for name in ("gt", "a", "b")] + ["--out", str(tmp_path / "out")]
    assert main(["compare", *words, "--names", "A b,a-B"]) == 2
    assert main(["compare", *words, "--names", "a"]) == 2
    assert main(["compare", *words[:2], "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("expected") == 3


def test_short_names_tell_runs_apart() -> None:
    runs = [Path(f"runs/{loss}/{seed}/test/predictions") for loss, seed in (("a", 0), ("b", 1))]
    assert short_names(runs) == ["0", "1"]
    assert short_names([Path("x/pred"), Path("y/pred")]) == ["x", "y"]


@pytest.mark.slow
def test_the_page_in_a_browser(folders: dict[str, Path], tmp_path: Path, looked_at) -> None:  # type: ignore[no-untyped-def]
    words = [str(folders[name]) for name in ("gt", "a", "b")] + ["--out", str(tmp_path / "out")]
    assert main(["compare", *words, "--num-classes", "2", "--quiet"]) == 0
    dom = looked_at(tmp_path / "out" / "report.html")
    assert dom.count("<figure") == 4
    assert "Where b beats a most" in dom


def test_what_would_lower_the_smallest_p(folders: dict[str, Path]) -> None:
    """With four images there are eight patterns of signs, however many are drawn."""
    found = scored(folders, metrics=["dice"])
    (few,) = (note for note in compare(found).notes() if note.startswith("p:"))
    assert "possible here is 0.12 of one test" in few
    assert "more images would lower it" in few
    (drawn,) = (note for note in compare(found, flips=3).notes() if note.startswith("p:"))
    assert "possible here is 0.25 of one test" in drawn
    assert "more flips (--flips) would lower it" in drawn


def test_intervals_stay_where_differences_can_be(tmp_path: Path) -> None:
    """Two images, +1 and 0: Student's interval of the difference is 1/2 -+ 6.35."""
    truth = np.zeros((8, 8), int)
    truth[2:6, 2:6] = 1
    parts = truth.copy()
    parts[:, 4] = 0
    made = {
        "gt": write(tmp_path / "gt", {"1": truth, "2": truth}),
        "a": write(tmp_path / "a", {"1": 0 * truth, "2": parts}),
        "b": write(tmp_path / "b", {"1": truth, "2": parts}),
    }
    found = compare(scored(made, metrics=["dice", "rand_error", "betti0_error"], num_classes=2))
    ends = {row.metric: (row.low, row.high) for row in found.rows}
    assert ends["dice"] == (-1, 1)
    assert ends["rand_error"][0] >= -1
    assert ends["rand_error"][1] <= 1
    assert ends["betti0_error"][0] < -1, "an error of counts has no end"
    (sized, *_) = (row for row in found.size_rows if row.objects)
    assert (sized.low, sized.high) == (-1, 1)


def test_the_terminal_says_where_nothing_can_be_significant(folders: dict[str, Path]) -> None:
    found = compare(scored(folders, metrics=["dice"]))
    assert found.as_text().splitlines()[-1] == (
        "no row can be significant: 4 images allow no p below 0.12, which the correction "
        "multiplies by up to 1; fewer --metrics or more images would lower it"
    )
    assert "significant" not in replace(found, rows=[], flips=10).as_text()


def test_narrow_terminals_get_fewer_columns_and_are_told(folders: dict[str, Path]) -> None:
    found = compare(scored(folders, metrics=["dice", "betti0_matching_error"], num_classes=2))
    whole = found.as_text()
    assert found.as_text(200) == whole
    assert max(map(len, found.as_text(84).splitlines()[:4])) <= 84
    narrow = found.as_text(60).splitlines()
    assert max(map(len, narrow[:4])) <= 60
    assert narrow[1].split()[-3:] == ["A", "p,", "Holm"]
    assert "95 % interval, wins, losses, ties, n: too wide" in narrow[4]


def test_folders_without_a_foreground_have_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = dict.fromkeys("123", np.zeros((6, 6), int))
    words = [str(write(tmp_path / name, nothing)) for name in ("gt", "a", "b")]
    out = ["--out", str(tmp_path / "out"), "--num-classes", "2", "--quiet"]
    assert main(["compare", *words, *out]) == 1
    shown = capsys.readouterr().out
    assert "nothing was compared" in shown
    assert "significant" not in shown
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    reason = "no metric is defined under both folders in any of 3 images; do the label maps show"
    assert page.index(reason) < page.index("<table")
    for name in ("tables.md", "tables.tex"):
        assert reason in (tmp_path / "out" / name).read_text("utf-8")


def test_a_comparison_of_something_gives_no_reason_for_nothing(folders: dict[str, Path]) -> None:
    found = compare(scored(folders, metrics=["dice"], num_classes=2))
    assert found.nothing == ""
    assert "nothing was compared" not in found.as_markdown()
    write_page(found, folders["gt"].parent / "page.html")
    assert "nothing was compared" not in (folders["gt"].parent / "page.html").read_text("utf-8")


def test_a_folder_given_twice_is_named(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folders["gt"]), *[str(folders["a"])] * 2, "--out", str(folders["a"] / "out")]
    assert main(["compare", *words]) == 2
    assert capsys.readouterr().err.strip().endswith("/a is given twice")
