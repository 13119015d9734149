"""Pages, tables and charts: escaped, complete, and readable by a parser."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from seglosses.report import charts, page


class Balanced(HTMLParser):
    """Fails when tags do not nest."""

    VOID = frozenset({"meta", "img", "br", "input", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_well_formed_and_escaped() -> None:
    heads = ["<b>", "n"]
    body = page.table(heads, [["a & b", ("1.5", 1.5)], ["c", ("–", float("nan"))]], name="t")
    text = page.page(
        "A <title>", "sub", [page.section("S & T", body), page.tiles([("x", "1", "y")])]
    )
    parser = Balanced()
    parser.feed(text)
    assert not parser.open
    assert "A &lt;title&gt;" in text
    assert "a &amp; b" in text
    assert '<td data-value="1.5">1.5</td>' in text
    assert '<td data-value="">–</td>' in text
    assert "http" not in text.replace("http-equiv", "")


def test_histogram_is_one_drawing() -> None:
    values = np.random.default_rng(0).random(50)
    svg = charts.histogram(values, mean=0.5, low=0.4, high=0.6, label="Dice & co")
    root = ElementTree.fromstring(svg)
    titles = [title.text or "" for title in root.iter("title")]
    counted = sum(int(text.split()[0]) for text in titles if "images in" in text)
    assert counted == 50


def test_boxes_draw_every_group() -> None:
    groups = {"road <1>": [1.0, 2.0, 3.0], "empty": [float("nan")], "long " * 10: [2.0]}
    root = ElementTree.fromstring(charts.boxes(groups, label="x"))
    assert len(root.findall("g")) == 2


@pytest.mark.parametrize("values", [[], [float("nan")]])
def test_nothing_to_draw_is_said(values: list[float]) -> None:
    nan = float("nan")
    assert "nothing to draw" in charts.histogram(values, mean=nan, low=nan, high=nan, label="")
    assert "nothing to draw" in charts.boxes({"a": values}, label="")


def test_one_value_still_has_an_axis() -> None:
    ElementTree.fromstring(charts.histogram([2.0, 2.0], mean=2, low=2, high=2, label=""))
    assert charts.ticks(1.0, 1.0) == [1.0]
