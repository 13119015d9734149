"""Random changes of appearance that mmseg lacks, for float images: TopoMortar's augmentation.

All draw from Python's ``random``, which mmengine seeds in the main process and in every worker.
"""

from __future__ import annotations

import random
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage import color
from torch.nn import functional

from seglosses.registry import TRANSFORMS

Pixels: TypeAlias = NDArray[np.float32]


class RandomChange:
    """A change of the image alone, with some probability.

    Args:
        prob: How often the image is changed.

    Raises:
        ValueError: For a probability outside [0, 1], or an image of integers.
    """

    def __init__(self, prob: float) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"{type(self).__name__} expected prob in [0, 1], got {prob}")
        self.prob = prob

    def change(self, image: Pixels) -> Pixels:
        """The changed image, (H, W, C) like the given one, which stays as it is."""
        raise NotImplementedError

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``img`` or leave it."""
        image = results["img"]
        if not np.issubdtype(image.dtype, np.floating):
            raise ValueError(
                f"{type(self).__name__} expected a float image, got {image.dtype}; place it after"
                " seglosses.NormalizeEachImage"
            )
        if random.random() < self.prob:
            results["img"] = self.change(image.astype(np.float32, copy=False))
        return results

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"


@TRANSFORMS.register_module()
class RandomSmoothing(RandomChange):
    """Blur with a Gaussian whose width is drawn for each axis; zeros lie beyond the border.

    Zero is the mean of a normalised image, and what MONAI's ``RandGaussianSmooth`` pads with.

    Args:
        prob: How often.
        sigma: Least and greatest standard deviation, pixels.

    Example:
        >>> step = RandomSmoothing(prob=1, sigma=(1, 1))
        >>> image = np.zeros((9, 9, 1), np.float32)
        >>> image[4, 4] = 1
        >>> step({"img": image})["img"][4, 4].round(3)  # 0.399 squared
        array([0.159], dtype=float32)
    """

    def __init__(self, prob: float = 0.2, sigma: tuple[float, float] = (0.5, 1.0)) -> None:
        super().__init__(prob)
        self.sigma = (float(sigma[0]), float(sigma[1]))

    def change(self, image: Pixels) -> Pixels:
        """Blur rows and columns, not channels."""
        widths = (random.uniform(*self.sigma), random.uniform(*self.sigma), 0)
        blurred: Pixels = ndimage.gaussian_filter(image, widths, mode="constant")
        return blurred


@TRANSFORMS.register_module()
class RandomScale(RandomChange):
    """Multiply by 1 + f.

    Args:
        prob: How often.
        factors: Least and greatest f.

    Example:
        >>> step = RandomScale(prob=1, factors=(0.5, 0.5))
        >>> step({"img": np.array([[[2.0, -2.0]]])})["img"]
        array([[[ 3., -3.]]], dtype=float32)
    """

    def __init__(self, prob: float = 0.15, factors: tuple[float, float] = (-0.25, 0.25)) -> None:
        super().__init__(prob)
        self.factors = (float(factors[0]), float(factors[1]))

    def change(self, image: Pixels) -> Pixels:
        """Scale about zero."""
        return image * np.float32(1 + random.uniform(*self.factors))


@TRANSFORMS.register_module()
class RandomContrast(RandomScale):
    """Multiply the differences from the mean of the image by 1 + f, and keep the range.

    Args:
        prob: How often.
        factors: Least and greatest f.

    Example:
        >>> step = RandomContrast(prob=1, factors=(-0.5, -0.5))
        >>> step({"img": np.array([[[1.0, 3.0]]])})["img"]  # about the mean, 2
        array([[[1.5, 2.5]]], dtype=float32)
        >>> step = RandomContrast(prob=1, factors=(0.5, 0.5))
        >>> step({"img": np.array([[[1.0, 3.0]]])})["img"]  # 0.5 and 3.5 leave the range
        array([[[1., 3.]]], dtype=float32)
    """

    def change(self, image: Pixels) -> Pixels:
        """Scale about the mean, and clip."""
        mean = image.mean(dtype=np.float64).astype(np.float32)
        return np.clip(super().change(image - mean) + mean, image.min(), image.max())


@TRANSFORMS.register_module()
class RandomLowResolution(RandomChange):
    """Shrink by interpolation and enlarge again by repeating pixels.

    Args:
        prob: How often.
        zoom: Least and greatest share of the size that is kept.

    Example:
        >>> step = RandomLowResolution(prob=1, zoom=(0.5, 0.5))
        >>> step({"img": np.array([[[0.0], [2.0], [4.0], [6.0]]])})["img"].ravel()
        array([1., 1., 5., 5.], dtype=float32)
    """

    def __init__(self, prob: float = 0.25, zoom: tuple[float, float] = (0.5, 1.0)) -> None:
        super().__init__(prob)
        self.zoom = (float(zoom[0]), float(zoom[1]))

    def change(self, image: Pixels) -> Pixels:
        """Bilinear down without smoothing, nearest neighbour up, as MONAI does on request."""
        zoom = random.uniform(*self.zoom)
        size = [max(1, round(length * zoom)) for length in image.shape[:2]]
        planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
        small = functional.interpolate(planes, size=size, mode="bilinear", align_corners=False)
        large = functional.interpolate(small, size=list(image.shape[:2]), mode="nearest")
        return np.ascontiguousarray(large[0].numpy().transpose(1, 2, 0))


@TRANSFORMS.register_module()
class RandomHue(RandomChange):
    """TopoMortar's RandHue: one random hue for all pixels, more saturation, more brightness.

    The image is brought to [0, 1] by its own range and back afterwards, so it may be normalised.
    Saturation and value grow by amounts drawn from [0, ``gain``], up to 1. The order of the
    channels does not matter.

    Args:
        prob: How often.
        gain: Greatest gain of saturation and value.

    Raises:
        ValueError: For an image that does not have three channels.

    References:
        Valverde et al., TopoMortar, arXiv:2503.03365.

    Example:
        >>> step = RandomHue(prob=1, gain=0)
        >>> image = np.array([[[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]])
        >>> step({"img": image})["img"].max(axis=2)  # values stay, and white stays white
        array([[1., 1.]], dtype=float32)
    """

    def __init__(self, prob: float = 0.5, gain: float = 0.5) -> None:
        super().__init__(prob)
        self.gain = float(gain)

    def change(self, image: Pixels) -> Pixels:
        """Recolour."""
        if image.shape[-1] != 3:
            raise ValueError(f"RandomHue expected three channels, got {image.shape[-1]}")
        low = float(image.min())
        extent = float(image.max()) - low
        if extent == 0:
            return image.copy()
        hsv = color.rgb2hsv((image - low) / extent)
        hsv[..., 0] = random.random()
        for channel in (1, 2):
            hsv[..., channel] = np.minimum(hsv[..., channel] + random.uniform(0, self.gain), 1)
        recoloured: Pixels = (color.hsv2rgb(hsv) * extent + low).astype(np.float32)
        return recoloured
