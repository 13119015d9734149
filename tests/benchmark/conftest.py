"""Runs to report on."""

from __future__ import annotations

from pathlib import Path

import pytest

from seglosses.datasets.write import BrickSet, write_dataset
from tests.benchmark.written_runs import write_groups, write_run


@pytest.fixture
def runs(tmp_path):
    """Two losses, two seeds, five images in three groups; numbers that add up by hand."""
    root = tmp_path / "runs"
    write_groups(root)
    for seed, extra in ((1, 0), (2, 2)):
        write_run(
            root, "CEDiceLoss", seed,
            {"071": (4 + extra, 1, 0.5, 1), "072": (6, 3, 0.7, 3), "121": (9, 0, 0.5, 2),
             "171": (10, 0, 0.5, 2), "172": (20 + extra, 0, 0.5, 9999999)},
        )  # fmt: skip
        write_run(
            root, "clDiceLoss", seed,
            {"071": (3, 1, 0.6, 1), "072": (5, 3, 0.8, 3), "121": (7, 0, 0.5, 2),
             "171": (10, 0, 0.5, 2), "172": (18, 0, 0.5, 2)},
        )  # fmt: skip
    return root


@pytest.fixture(scope="package")
def bricks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "bricks"
    write_dataset(root, BrickSet(size=(128, 128), train=4, val=1, test=1))
    return root
