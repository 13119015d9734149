"""Charts with two axes: places by hand, and what cannot be drawn."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from seglosses.report import plane
from seglosses.report.axes import BOTTOM, COLOURS, HEIGHT, ROW, Scale
from seglosses.report.legend import error_legend
from seglosses.report.plane import points, scatter, shares


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
    svg = shares({"ce & dice": [0, 1], "b": [2]}, axis="", label="")
    assert svg.count("<text") >= 2
    assert "ce &amp; dice</text>" in svg
    assert "missing" in error_legend()
    assert "spurious" in error_legend()


def _linear(colour: str) -> np.ndarray:
    share = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def _oklab(linear: np.ndarray) -> np.ndarray:
    """Ottosson 2020."""
    cones = np.cbrt(
        np.clip(linear, 0, 1)
        @ np.array([[0.4122214708, 0.2119034982, 0.0883024619],
                    [0.5363325363, 0.6806995451, 0.2817188376],
                    [0.0514459929, 0.1073969566, 0.6299787005]])
    )  # fmt: skip
    return np.asarray(
        cones
        @ np.array([[0.2104542553, 1.9779984951, 0.0259040371],
                    [0.7936177850, -2.4285922050, 0.7827717662],
                    [-0.0040720468, 0.4505937099, -0.8086757660]])
    )  # fmt: skip


# Machado et al. 2009, full strength.
SIGHT = {
    "all cones": np.eye(3),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
}  # fmt: skip


@pytest.mark.parametrize(("sight", "least"), [("all cones", 0.16), ("deuteranopia", 0.08),
                                              ("protanopia", 0.08)])  # fmt: skip
def test_twelve_colours_can_be_told_apart(sight: str, least: float) -> None:
    assert len(set(COLOURS)) == 12
    places = {c: _oklab(SIGHT[sight] @ _linear(c)) for c in COLOURS}
    for one, other in combinations(COLOURS, 2):
        assert np.linalg.norm(places[one] - places[other]) >= least, f"{one} and {other}"


def test_every_colour_shows_on_both_grounds() -> None:
    light = np.array([0.2126, 0.7152, 0.0722])
    for colour in COLOURS:
        for ground in ("#ffffff", "#1d2129"):
            low, high = sorted((light @ _linear(colour), light @ _linear(ground)))
            assert (high + 0.05) / (low + 0.05) >= 2, f"{colour} on {ground}"


def test_names_stand_below_the_chart_and_are_whole():
    """They lay on the curves, and were cut off at 28 letters."""
    name = "ce_dice_cldice_betti_matching_gentle"
    svg = plane.shares({"ce_dice": [0, 1], name: [2, 3]}, axis="errors", label="")
    rows = {t: float(y) for y, t in re.findall(r'y="([\d.]+)">([^<]+)</text>', svg)}
    assert rows[name] - rows["ce_dice"] == ROW
    assert rows["ce_dice"] > HEIGHT
    assert float(re.findall(r'viewBox="0 0 \d+ (\d+)"', svg)[0]) > rows[name]


def test_names_of_points_at_one_place_do_not_cover_each_other():
    at = {f"loss {index}": (10.0, 5.0 + 0.01 * index, np.nan, np.nan) for index in range(5)}
    svg = plane.points({**at, "far": (1.0, 9.0, 8.0, 10.0)}, axes=("x", "y"), label="")
    rows = sorted(float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="end">loss', svg))
    assert len(rows) == 5
    assert np.diff(rows).min() >= ROW
    assert rows[-1] < HEIGHT - BOTTOM
