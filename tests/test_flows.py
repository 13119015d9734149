"""Calls pass through few modules, and through none twice."""

from __future__ import annotations

import importlib.util
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


@pytest.mark.parametrize(("name", "deep"), [("Betti matching", 8), ("evaluate", 8)])
def test_no_module_is_entered_from_below(flows: dict[str, Any], name: str, deep: int) -> None:
    assert flows[name].back == set()
    assert 4 < len(flows[name].chain) <= deep


def test_a_comparison_of_boxes_calls_what_reads_it(flows: dict[str, Any]) -> None:
    assert flows["CIoU"].back == {
        "losses/box/family.py",
        "primitives/box_pairs.py",
        "primitives/measured.py",
    }
    assert len(flows["CIoU"].modules) < 20
