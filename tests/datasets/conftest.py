"""A small generated data set, written once and copied where a test damages it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from seglosses.datasets.write import BrickSet, write_dataset

SMALL = BrickSet(size=(32, 48), train=5, val=2, test=1, seed=3)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound data set that no test changes."""
    root = tmp_path_factory.mktemp("bricks") / "set"
    write_dataset(root, SMALL)
    return root


@pytest.fixture
def bricks(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the sound data set, to be damaged."""
    return Path(shutil.copytree(pristine, tmp_path / "set"))
