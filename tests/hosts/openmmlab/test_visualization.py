"""The hook draws the first samples of every validation."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from seglosses.hosts.openmmlab.visualization import TopologyVisualizationHook
from seglosses.registry import HOOKS


class Sample:
    def __init__(self, name: str, channels: int = 2) -> None:
        target = torch.zeros(1, 20, 20, dtype=torch.long)
        target[0, 2:12, 2:12] = 1
        target[0, 5:9, 5:9] = 0
        target[0, 0] = 255
        logits = torch.zeros(channels, 20, 20)
        logits[-1] = torch.where(target[0] == 1, 4.0, -4.0)
        logits[-1, 0] = 9.0  # ignored
        self.fields = {
            "gt_sem_seg": {"data": target},
            "seg_logits": {"data": logits},
            "img_path": f"somewhere/{name}.jpg",
        }

    def to_dict(self) -> dict:
        return self.fields


class Visualizer:
    def __init__(self) -> None:
        self.images: dict[str, tuple[np.ndarray, int]] = {}

    def add_image(self, name: str, image: np.ndarray, step: int = 0) -> None:
        self.images[name] = (image, step)


def test_draws_files_and_tells_the_visualizer(tmp_path: Path) -> None:
    hook = HOOKS.build({"type": "TopologyVisualizationHook", "samples": 3})
    runner = SimpleNamespace(work_dir=str(tmp_path), iter=40, visualizer=Visualizer())
    batches = [[Sample("a"), Sample("b", channels=1)], [Sample("c"), Sample("d")]]
    for stage in ("val", "test"):
        getattr(hook, f"before_{stage}_epoch")(runner)
        for index, batch in enumerate(batches):
            getattr(hook, f"after_{stage}_iter")(runner, index, None, batch)
    drawn = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    folders = ("topology/iter_40", "topology/test")
    assert drawn == [f"{folder}/{name}.png" for folder in folders for name in "abc"]
    assert sorted(runner.visualizer.images) == ["topology/a", "topology/b", "topology/c"]
    image, step = runner.visualizer.images["topology/b"]
    assert step == 40
    with Image.open(tmp_path / "topology/test/a.png") as picture:
        # one channel and two of them say the same
        assert (np.asarray(picture) == image).all()


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="negative"):
        TopologyVisualizationHook(samples=-1)
    with pytest.raises(ValueError, match="4 or 8"):
        TopologyVisualizationHook(connectivity=6)
