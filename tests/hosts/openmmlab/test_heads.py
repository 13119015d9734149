"""The page on our losses in every loss slot of every head has no row without an explanation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "heads.md"


@pytest.mark.parametrize(
    "head", ["SOLOHead", "CondInstMaskHead", "MaskFormerHead", "PAAHead", "YOLOV3Head", "DDRHead"]
)
def test_the_page_has_rows_of_this_head(head: str) -> None:
    assert re.search(rf"^\| {head} \| `loss", PAGE.read_text(), re.MULTILINE)


def test_no_row_of_the_page_is_left_unexplained() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| \w+ \| `loss", line)]
    assert len(rows) > 150
    for row in rows:
        said = row.split(" | ")[4]
        assert said.startswith(("the same value", "works", "no loss of ours")) or re.match(
            r"(refused|a warning|the head's rule): \w", said
        ), row
