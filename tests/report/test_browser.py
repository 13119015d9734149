"""The report in a real browser: nothing fails, tables sort, pictures open."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.evaluate import evaluate

ACT = """
const head=document.querySelectorAll("#scores th")[1];
head.click();head.click();
const box=document.querySelector("input[type=search]");
box.value="001";box.dispatchEvent(new Event("input"));
document.querySelector("figure img").click();
document.body.dataset.wide=document.documentElement.scrollWidth>innerWidth?"yes":"no";
"""


@pytest.mark.slow
def test_sorts_filters_and_enlarges(tmp_path: Path, browse: Callable[[Path, str], str]) -> None:
    rng = np.random.default_rng(0)
    for name in ("000", "001", "100"):
        target = np.zeros((32, 32), np.uint8)
        target[8:24, 8:24] = 255
        pred = np.where(rng.random(target.shape) > 0.9, 255 - target, target)
        for folder, mask in (("pred", pred), ("gt", target)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(mask.astype(np.uint8)).save(tmp_path / folder / f"{name}.png")
    result = evaluate(tmp_path / "pred", tmp_path / "gt", out=tmp_path / "out")
    dom = browse(tmp_path / "out" / "report.html", ACT)
    assert 'data-wide="no"' in dom
    assert "<dialog open" in dom
    body = dom[dom.index('id="scores"') :]
    rows = re.findall(r"<tr( hidden=\"\")?><td>(\d+)</td>", body)
    order = np.argsort(-result.table.matrix("dice")[:, 0])
    assert [name for _, name in rows] == [result.table.images[index] for index in order]
    assert {name for hidden, name in rows if hidden} == {"000", "100"}
    assert 'aria-sort="descending"' in body


@pytest.mark.slow
def test_errors_of_a_page_are_noticed(tmp_path: Path, browse: Callable[[Path, str], str]) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body></body></html>", "utf-8")
    with pytest.raises(AssertionError, match="CONSOLE"):
        browse(page, "nothing.like.this()")
