"""Calls pass through few modules, and through none twice."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def flows() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("flows", ROOT / "tools" / "flows.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Any] = module.flows()
    return found


@pytest.mark.parametrize(("name", "deep"), [("Betti matching", 8), ("CIoU", 5), ("evaluate", 8)])
def test_no_module_is_entered_from_below(flows: dict[str, Any], name: str, deep: int) -> None:
    assert flows[name].back == set()
    assert 3 < len(flows[name].chain) <= deep


def test_few_boxes_are_compared_by_one_kernel(flows: dict[str, Any]) -> None:
    assert "primitives/_kernels_box_losses.py" in flows["CIoU"].modules
    assert "primitives/_kernels_box_losses.py" not in flows["Inner-CIoU"].modules


def test_only_measures_ask_for_measures(flows: dict[str, Any]) -> None:
    assert flows["Inner-CIoU"].back <= {"primitives/measured.py", "primitives/boxes.py"}


@pytest.mark.parametrize("name", ["Betti matching", "CIoU", "Inner-CIoU", "evaluate"])
def test_the_page_says_how_long_each_way_is(flows: dict[str, Any], name: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `?{name}\b.*?\| (\d+) \| (\d+) \| (.*) \|$", page, re.MULTILINE)
    assert row is not None
    assert set(re.findall(r"`(.+?)`", row[3])) == flows[name].back
    assert len(flows[name].chain) <= int(row[2])
    # what other tests have warmed is not entered again
    assert int(row[1]) - 3 <= len(flows[name].modules) <= int(row[1])
