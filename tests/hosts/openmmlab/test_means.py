"""The table of ``docs/means.md`` says what is true today."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mmseg.models.losses")
pytest.importorskip("mmdet.models.losses")

from tests.hosts.openmmlab.host_means import CLASSES, Pair, pairs, ratios, rows

PAGE = Path(__file__).parents[3] / "docs" / "means.md"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pair", list(pairs()), ids=lambda pair: f"{pair.ours} - {pair.theirs}")
def test_a_number_that_differs_has_a_reason(pair: Pair) -> None:
    found = [ratio for ratio in ratios(pair) if ratio != "-"]
    assert len(found) == len(pair.classes) <= len(CLASSES)
    assert set(found) == {"1.000"} or pair.reason, found


@pytest.mark.filterwarnings("ignore")
def test_the_page_holds_the_table() -> None:
    written = PAGE.read_text()
    assert [row for row in rows() if row not in written] == []
