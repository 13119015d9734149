"""Charts with two axes: places by hand, and what cannot be drawn."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from seglosses.report.legend import error_legend, series_legend
from seglosses.report.plane import COLOURS, Scale, points, scatter, shares


def dots(svg):
    root = ElementTree.fromstring(svg)
    return [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter("circle")]


def test_scales_by_hand():
    plain = Scale(0, 10, first=100, last=200)
    assert plain(5) == 150
    assert Scale(0, 10, first=200, last=100)(5) == 150
    bent = Scale(0, 99, first=0, last=2, compress=True)
    # log(1 + 9) is half of log(1 + 99)
    assert bent(9) == pytest.approx(1)
    assert bent.ticks() == [0, 1, 3, 10, 30]


def test_points_below_the_diagonal_have_the_lower_second_number():
    svg = scatter([1, 4], [1, 2], names=["a", "b <"], axes=("x", "y"), label="l")
    line = ElementTree.fromstring(svg).find("line[@stroke-dasharray]")
    left, top = float(line.get("x1")), float(line.get("y1"))
    slope = (float(line.get("y2")) - top) / (float(line.get("x2")) - left)
    (x0, y0), (x1, y1) = dots(svg)
    assert y0 == pytest.approx(top + slope * (x0 - left), abs=0.2)
    assert y1 > top + slope * (x1 - left) + 5  # further down the page
    assert "b &lt;: 4, 2" in svg


def test_undefined_pairs_are_left_out():
    svg = scatter([1, np.nan, 3], [1, 2, np.nan], names="abc", axes=("x", "y"), label="l")
    assert len(dots(svg)) == 1
    assert "nothing to draw" in scatter([np.nan], [1], names="a", axes=("x", "y"), label="l")


def test_shares_rise_to_one():
    svg = shares({"a": [1, 1, 3, np.nan], "none": []}, axis="errors", label="l")
    (path,) = ElementTree.fromstring(svg).iter("path")
    heights = [float(v) for v in re.findall(r"V([\d.]+)", path.get("d"))]
    # 258 is zero, 10 is one; two of three values are 1
    assert heights == pytest.approx([258 - 248 * 2 / 3, 10], abs=0.1)
    assert "nothing to draw" in shares({"a": [np.nan]}, axis="errors", label="l")


def test_one_point_a_loss_with_its_interval():
    nan = float("nan")
    series = {"a": (100.0, 5.0, 4.0, 6.0), "b": (200.0, 3.0, nan, nan), "c": (nan, 1.0, nan, nan)}
    svg = points(series, axes=("ms", "error"), label="l")
    assert len(dots(svg)) == 2
    assert svg.count(f'stroke="{COLOURS[0]}" stroke-width="1.5"') == 1
    assert ">a</text>" in svg
    assert "nothing to draw" in points({"c": series["c"]}, axes=("ms", "error"), label="l")


def test_charts_carry_a_description():
    svg = shares({"a": [1.0]}, axis="errors", label="a < b")
    assert 'role="img" aria-label="a &lt; b"' in svg


def test_legends_name_every_colour():
    assert series_legend(["ce & dice", "b"]).count("swatch") == 2
    assert "ce &amp; dice" in series_legend(["ce & dice", "b"])
    assert "missing" in error_legend()
    assert "spurious" in error_legend()
