"""Figures as files: names that hold, letters that a PDF lacks, and series beyond the colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seglosses.report.axes import COLOURS
from seglosses.report.figures import Figure, file_name, write_figures
from seglosses.report.plane import lines, shares
from seglosses.report.square import unit_square

EMPTY = '<svg viewBox="0 0 2 1"></svg>'


def test_names_that_differ_elsewhere_than_in_letters_overwrite_nothing(tmp_path: Path) -> None:
    words = ("+ clDice", "- clDice", "拓扑", "本方法", "±", "!")
    figures = [Figure(file_name(word), EMPTY, word) for word in words]
    write_figures(tmp_path, figures, ["svg"])
    expected = ["cldice", "cldice-2", "拓扑", "本方法", "figure", "figure-2"]
    assert sorted(path.stem for path in tmp_path.glob("*.svg")) == sorted(expected)
    captions = (tmp_path / "captions.md").read_text("utf-8")
    assert re.findall(r"- `(.*)`: (.*)", captions) == list(zip(expected, words, strict=True))
    source = (tmp_path / "figures.tex").read_text("utf-8")
    assert re.findall(r"label{fig:(.*)}", source) == expected
    assert re.findall(r"linewidth]{(.*)}", source) == expected


def test_letters_that_a_pdf_lacks_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = '<svg viewBox="0 0 2 1"><text x="0" y="1">前景 β ± † – é</text></svg>'
    figures = [Figure("a", text, "a"), Figure("b", text, "b"), Figure("c", "<p>", "none")]
    write_figures(tmp_path, figures, ["pdf", "svg"])
    (said,) = caplog.messages
    assert "lack 前景," in said
    caplog.clear()
    write_figures(tmp_path, [Figure("d", text.replace("前景", ""), "d")], ["pdf"])
    write_figures(tmp_path, figures, ["svg"])
    assert not caplog.messages


def test_series_beyond_the_colours_are_dashed() -> None:
    names = [f"loss {number}" for number in range(26)]
    along = {name: [(0.0, 0.0), (1.0, 1.0)] for name in names}
    square = {name: ([0, 1], [0, 1]) for name in names}
    for chart in (
        lines(along, (0, 1), axes=("x", "y"), label="", legend=True),
        shares({name: [0, 1] for name in names}, axis="x", label=""),
        unit_square(square, axes=("x", "y"), label=""),
    ):
        looks = re.findall(r'stroke="(#\w+)"( stroke-dasharray="[^"]*")? stroke-width="1.8"', chart)
        assert len(looks) == len(set(looks)) == 26
        legend = re.findall(r'stroke="(#\w+)"( stroke-dasharray="[^"]*")? stroke-width="3"', chart)
        assert legend == looks
        assert looks[12] == (COLOURS[0], ' stroke-dasharray="5 3"')
