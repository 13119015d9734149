"""A metric shell that writes what was predicted, for ``seglosses evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.hosts.openmmlab.directions import DirectedMetric, Rule
from seglosses.registry import METRICS


@METRICS.register_module()
class WritePredictions(DirectedMetric):
    """Write prediction, label and image of every test sample as PNG files of one size.

    ``<out_dir>/{predictions,labels,images}/<name>.png``; pixel values are class indices, 255 where
    ignored, in 8 bits where they fit and in 16 bits else. Labels are those that the pipeline
    produced, so ``seglosses evaluate <out_dir>/predictions <out_dir>/labels`` scores exactly what
    mmseg scored, also where the pipeline resized; unlabelled samples have none. Each process of a
    distributed test writes its own samples.

    Args:
        out_dir: Folder for the three sub-folders; made when missing.
        collect_device: Where mmengine gathers results, ``'cpu'`` or ``'gpu'``.

    Raises:
        ValueError: Two samples have the same file name, so one would overwrite the other, or a
            value does not fit into 16 bits.
    """

    default_prefix = "written"

    def __init__(self, out_dir: str, collect_device: str = "cpu") -> None:
        super().__init__(collect_device=collect_device)
        self.out_dir = Path(out_dir)
        self._sources: dict[str, str] = {}

    @classmethod
    def usual(cls) -> WritePredictions:
        """Nothing is written before a sample comes."""
        return cls(".")

    def directions(self) -> dict[str, Rule]:
        """More samples are better; there is no quality in it."""
        return {"samples": "greater"}

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Write one batch."""
        for sample in data_samples:
            source = sample["img_path"]
            name = Path(source).stem
            if self._sources.setdefault(name, source) != source:
                raise ValueError(
                    f"WritePredictions would write {source} over {self._sources[name]}: both are"
                    f" named {name}. Test folders with equal names one at a time."
                )
            prediction = _plane(sample["pred_sem_seg"], source)
            self._write("predictions", name, prediction)
            if "gt_sem_seg" in sample:
                self._write("labels", name, _plane(sample["gt_sem_seg"], source))
            self._write("images", name, _picture(source, prediction.shape))
            self.results.append(1)

    def _write(self, kind: str, name: str, pixels: NDArray[Any]) -> None:
        folder = self.out_dir / kind
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{name}.png")

    def compute_metrics(self, results: list[int]) -> dict[str, float]:
        """How many samples were written."""
        return {"samples": float(len(results))}


def _plane(pixel_data: dict[str, Any], source: str) -> NDArray[Any]:
    """The (1, H, W) class indices of a sample as (H, W), in the bits that they need."""
    plane: NDArray[Any] = pixel_data["data"][0].cpu().numpy()
    low, high = plane.min(initial=0), plane.max(initial=0)
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise ValueError(
            f"WritePredictions writes class indices of 0 to 65535 as PNG, {source} has"
            f" {low} to {high}; use 255 for pixels to ignore"
        )
    return plane.astype(np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16)


def _picture(path: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The photograph, shrunk by area to the size of the prediction."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
        if (picture.height, picture.width) != shape:
            picture = picture.resize((shape[1], shape[0]), Image.Resampling.BOX)
        return np.asarray(picture)
