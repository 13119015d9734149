"""Wrong labels of two kinds, as TopoMortar's training set has them.

Measured on its 50 training images (median over images, against the accurate labels):

=======================  ===========  ==========================================
quantity                 noisy        pseudo
=======================  ===========  ==========================================
Dice                     0.52         0.93 (0.70 to 1.00)
missing mortar           65 %         1 %
surplus mortar           0 %          15 % of the mortar (0 to 83 %)
Betti numbers            b1 +0        b1 +3
what it looks like       wavy lines   thick mortar, spots on bricks like mortar
                         3 px wide
=======================  ===========  ==========================================
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from seglosses.datasets.noise import fractal_noise, smooth_noise
from seglosses.topology import label_components
from seglosses.topology.skeleton import skeletonize

Mask = NDArray[np.bool_]

_LINE = 3.0
"""Width of a hasty annotator's line, in pixels of a 512-pixel image."""


def _displace(mask: Mask, amount: float, cell: float, rng: np.random.Generator) -> Mask:
    """Move pixels by a smooth random field of at most ``amount`` pixels."""
    height, width = shape = (mask.shape[0], mask.shape[1])
    y, x = np.mgrid[:height, :width]
    down = np.rint(y + amount * smooth_noise(shape, cell, rng)).astype(np.intp)
    right = np.rint(x + amount * smooth_noise(shape, cell, rng)).astype(np.intp)
    moved: Mask = mask[down.clip(0, height - 1), right.clip(0, width - 1)]
    return moved


def noisy_label(mask: Mask, rng: np.random.Generator) -> Mask:
    """Draw the mortar as a hasty annotator would: its centre line, wavy and of one width.

    Args:
        mask: Mortar, (H, W).
        rng: Source of randomness.

    Returns:
        Label (H, W). Its topology is nearly always the mask's; empty for an empty mask.

    Example:
        >>> mask = np.zeros((64, 64), bool)
        >>> mask[20:40] = True
        >>> label = noisy_label(mask, np.random.default_rng(0))
        >>> bool(label.any() and label.sum() < mask.sum())
        True
    """
    scale = min(mask.shape) / 512
    line = binary_dilation(skeletonize(mask), np.ones((3, 3)))
    line = _displace(line, max(1.8 * scale, 0.7), max(9.0 * scale, 4.0), rng)
    # A displaced line may leave pinholes, which nobody draws.
    ground, _ = label_components(~line, connectivity=4)
    line |= np.bincount(ground.ravel())[ground] <= 4
    width = round(_LINE * scale)
    if width >= _LINE:
        grown = width - 2
        return line if grown == 1 else binary_dilation(line, np.ones((grown, grown)))
    line = skeletonize(line)
    return line if width < 2 else binary_dilation(line, np.ones((2, 2)))


def pseudo_label(image: NDArray[np.uint8], mask: Mask, rng: np.random.Generator) -> Mask:
    """Label the mortar as a weak model would: by nearness to mortar and by colour.

    A score is thresholded: the blurred mask, the likeness of each pixel's colour to mortar, and
    patches of doubt. So mortar is too thick in many images, and parts of bricks that look like
    mortar become mortar.

    Args:
        image: Photograph, (H, W, 3).
        mask: Mortar, (H, W).
        rng: Source of randomness.

    Returns:
        Label (H, W); empty where the mask is empty, and full where it is full.

    Example:
        >>> image = np.zeros((32, 32, 3), np.uint8)
        >>> bool(pseudo_label(image, np.zeros((32, 32), bool), np.random.default_rng(0)).any())
        False
    """
    if mask.all() or not mask.any():
        return mask.copy()
    shape = (mask.shape[0], mask.shape[1])
    scale = min(shape) / 512
    near = gaussian_filter(mask.astype(np.float64), max(1.5 * scale, 0.75))
    near = np.maximum(near, 0.72 * mask)  # joints one pixel wide would fade away
    soft = max(1.0 * scale, 0.3)
    pixels = gaussian_filter(image.astype(np.float64) / 255, (soft, soft, 0))
    brick = pixels[~mask].mean(0)
    towards = pixels[mask].mean(0) - brick
    likeness = ((pixels - brick) * towards).sum(2) / max(float((towards**2).sum()), 1e-4)
    doubt = fractal_noise(shape, (20 * scale + 1, 40 * scale + 1), rng)
    # Most images are labelled fairly well, and a few far too generously.
    generosity, spots = rng.beta(1.1, 2.0), rng.beta(1.0, 2.2)
    score = near + 0.12 * likeness.clip(-0.5, 1.2) + 0.11 * smooth_noise(shape, 4 * scale + 1, rng)
    score += 1.8 * np.maximum(doubt - 0.52 + 0.3 * spots, 0)
    score -= 4.0 * np.maximum(-doubt - 0.57, 0)
    return _attached(score > 0.56 - 0.42 * generosity, mask)


def _attached(label: Mask, mask: Mask) -> Mask:
    """Drop islands that touch no mortar: a model's mistakes grow from mortar."""
    parts, _ = label_components(label)
    kept = np.zeros(int(parts.max()) + 1, bool)
    kept[parts[mask]] = True
    kept[0] = False
    attached: Mask = kept[parts]
    return attached
