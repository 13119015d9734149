"""Tiny data sets in nnU-Net's raw format: lines and blobs, as PNG or as NIfTI."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

LABELS = {"background": 0, "line": 1, "blob": 2, "ignore": 3}
REGIONS = {"background": 0, "tree": [1, 2], "blob": [2], "ignore": 3}


def picture(index, shape):
    """An image and its labels: a bent line, a blob, a corner that nobody labelled."""
    random = np.random.default_rng(index)
    labels = np.zeros(shape, np.uint8)
    *_, height, width = shape
    rows = (height / 2 + height / 5 * np.sin(np.arange(width) / 7 + index)).astype(int)
    for column, row in enumerate(rows):
        labels[..., row : row + 2, column] = 1
    top = random.integers(2, height // 4)
    labels[..., top : top + height // 5, width // 2 : width // 2 + width // 5] = 2
    image = 40 * labels + random.normal(60, 12, shape)
    labels[..., -height // 8 :, : width // 4] = 3
    return image.clip(0, 255).astype(np.uint8), labels


def write(raw, name, *, shape, labels=LABELS, train=6, test=3):
    """``imagesTr``, ``labelsTr``, ``imagesTs``, ``labelsTs`` and ``dataset.json``."""
    folder = Path(raw) / name
    ending = ".png" if len(shape) == 2 else ".nii.gz"
    for index in range(train + test):
        part = "Tr" if index < train else "Ts"
        image, truth = picture(index, shape)
        for kind, values in (("images", image), ("labels", truth)):
            path = folder / f"{kind}{part}"
            path.mkdir(parents=True, exist_ok=True)
            channel = "_0000" if kind == "images" else ""
            _save(path / f"case_{index}{channel}{ending}", values)
    about = {
        "channel_names": {"0": "grey"},
        "labels": labels,
        "numTraining": train,
        "file_ending": ending,
    }
    if any(isinstance(value, list) for value in labels.values()):
        about["regions_class_order"] = [1, 2]
    (folder / "dataset.json").write_text(json.dumps(about, indent=2))
    return folder


def _save(path, values):
    if path.suffix == ".png":
        from PIL import Image

        Image.fromarray(values).save(path)
    else:
        import nibabel

        nibabel.Nifti1Image(values.T, np.diag([1.0, 1.0, 2.0, 1.0])).to_filename(path)
