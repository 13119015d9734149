"""What `WritePredictions` writes is what was predicted, whatever the number of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seglosses.evaluate.files import read_labels

pytest.importorskip("mmengine")

from seglosses.hosts.openmmlab.predictions import WritePredictions


def write(folder: Path, prediction: list[list[int]], label: list[list[int]] | None) -> None:
    height, width = np.shape(prediction)
    source = folder / "street.png"
    Image.new("RGB", (width, height)).save(source)
    sample = {"img_path": str(source), "pred_sem_seg": {"data": torch.tensor([prediction])}}
    if label is not None:
        sample["gt_sem_seg"] = {"data": torch.tensor([label])}
    WritePredictions(str(folder / "out")).process(None, [sample])


@pytest.mark.parametrize("values", [[[0, 1, 255]], [[0, 255, 256]], [[7, 300, 65535]]])
def test_classes_come_back(tmp_path: Path, values: list[list[int]]) -> None:
    write(tmp_path, values, values[::-1])
    for kind in ("predictions", "labels"):
        path = tmp_path / "out" / kind / "street.png"
        assert read_labels(path)[0].tolist() == values
        with Image.open(path) as picture:
            assert (picture.mode == "L") == (max(values[0]) < 256)


def test_unlabelled_samples_are_written(tmp_path: Path) -> None:
    write(tmp_path, [[0, 1]], None)
    assert (tmp_path / "out" / "predictions" / "street.png").exists()
    assert not (tmp_path / "out" / "labels").exists()


@pytest.mark.parametrize("value", [-1, 65536])
def test_what_no_picture_holds_is_refused(tmp_path: Path, value: int) -> None:
    with pytest.raises(ValueError, match="0 to 65535"):
        write(tmp_path, [[0, value]], None)


def test_a_picture_never_overwrites_another_of_its_name(tmp_path: Path) -> None:
    metric = WritePredictions(str(tmp_path / "out"))
    samples = []
    for folder in ("a", "b"):
        source = tmp_path / folder / "street.png"
        source.parent.mkdir()
        Image.new("RGB", (2, 1)).save(source)
        samples.append({"img_path": str(source), "pred_sem_seg": {"data": torch.zeros(1, 1, 2)}})
    metric.process(None, [samples[0]])
    metric.process(None, [samples[0]])
    with pytest.raises(ValueError, match=r"over .*both are named street"):
        metric.process(None, [samples[1]])
