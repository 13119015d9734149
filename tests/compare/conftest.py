"""What most tests of comparisons look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.compare.made import write


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Four images; the truth has a large and a small object.

    B has all of it on three images and nothing on the last; A lacks the small object, and has an
    island of its own on the first image.
    """
    truth = np.zeros((12, 12), int)
    truth[1:6, 1:6] = 1
    truth[9:11, 9:11] = 1
    first = truth.copy()
    first[9:11, 9:11] = 0
    island = first.copy()
    island[1, 10] = 1
    names = ["1", "2", "3", "4"]
    return {
        "gt": write(tmp_path / "gt", dict.fromkeys(names, truth)),
        "a": write(tmp_path / "a", {"1": island, "2": first, "3": first, "4": first}),
        "b": write(tmp_path / "b", {"1": truth, "2": truth, "3": truth, "4": 0 * truth}),
    }
