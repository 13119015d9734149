"""Every mix-in of a centre-line or topological loss trains in MMSegmentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seglosses.datasets.write import BrickSet, write_dataset
from tests.openmmlab.test_training import LEAF, logged, tool

pytestmark = pytest.mark.slow
MIX_INS = (
    "ce_dice_cavity",
    "ce_dice_cbdice",
    "ce_dice_cldice",
    "ce_dice_malis",
    "ce_dice_morse",
    "ce_dice_skeleton_recall",
    "ce_dice_topo",
    "ce_dice_topograph",
    "ce_dice_topological_prior",
    "dice_clce",
    "dice_cldice",
    "dice_skeleton_aware",
    "dice_supervoxel",
    "dice_warping",
)


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "bricks"
    write_dataset(root, BrickSet(size=(128, 128), train=4, val=1, test=1))
    return root


@pytest.mark.parametrize("mix_in", MIX_INS)
def test_trains(mix_in: str, walls: Path, tmp_path: Path) -> None:
    tool(
        *("train", LEAF, "--loss", mix_in, "--data", walls, "--iters", 3, "--seed", 0),
        *("--work-dir", tmp_path, "--cfg-options", "default_hooks.logger.interval=1"),
    )
    steps = [step for step in logged(tmp_path) if "loss" in step]
    assert len(steps) == 3
    assert np.isfinite([step["loss"] for step in steps]).all()
    assert len([name for name in steps[0] if name.startswith("decode.loss_")]) >= 2
