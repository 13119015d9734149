"""Pipeline steps that mmseg lacks: shrinking by area, normalising by image, and remembering.

They are plain callables, so importing them loads neither mmseg nor mmcv.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dataset import Compose

from seglosses.datasets.shrink import shrink_image, shrink_labels
from seglosses.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ShrinkByArea:
    """Resize image and label map by averaging over the area that a new pixel covers.

    Nearest-neighbour sampling, mmseg's way for labels, drops and breaks lines that are thinner
    than the step; here a pixel of the new label map belongs to the class that covers most of it
    (for two classes: mortar where it covers more than half; a tie goes to the lower class).
    The new size also becomes ``ori_shape``, so that mmseg scores at this size and does not
    enlarge the prediction again. Place it after ``LoadAnnotations``.

    Args:
        size: New ``(height, width)``; the input may not be smaller.

    Raises:
        ValueError: An image is smaller than ``size``.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = (int(size[0]), int(size[1]))

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Shrink ``img`` and every map named in ``seg_fields``."""
        height, width = results["img"].shape[:2]
        if height < self.size[0] or width < self.size[1]:
            raise ValueError(
                f"ShrinkByArea expected an image of at least {self.size}, got {(height, width)}"
                f" for {results.get('img_path')}; use a smaller size or drop the step."
            )
        results["img"] = shrink_image(results["img"], self.size)
        for key in results.get("seg_fields", []):
            results[key] = shrink_labels(results[key], self.size)
        results["img_shape"] = self.size
        results["ori_shape"] = self.size
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


@TRANSFORMS.register_module()
class NormalizeEachImage:
    """Give every channel of every image mean zero and standard deviation one (z-score).

    A constant channel becomes zero. Use with a data preprocessor that has no ``mean`` and ``std``.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Normalise ``img`` to float32."""
        image = results["img"].astype(np.float32)
        mean = image.mean(axis=(0, 1), keepdims=True)
        std = image.std(axis=(0, 1), keepdims=True)
        results["img"] = (image - mean) / np.where(std > 0, std, 1.0)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


@TRANSFORMS.register_module()
class Remember:
    """Do steps once for each sample and hand out copies of their outcome afterwards.

    For the first steps of a pipeline, those without chance: small sets are decoded and shrunk
    again and again otherwise. Every process keeps the outcome of all its samples in memory.

    Args:
        transforms: The steps; they may not be random, and no random step may come before them.
    """

    def __init__(self, transforms: Sequence[dict[str, Any]]) -> None:
        self.transforms = Compose(transforms)
        self._known: dict[tuple[Any, Any], dict[str, Any]] = {}

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """The outcome of the steps, as the sample's own copy."""
        key = (results.get("img_path"), results.get("seg_map_path"))
        if key not in self._known:
            self._known[key] = self.transforms(results)
        return copy.deepcopy(self._known[key])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.transforms!r})"
