"""Persistent homology of images: which components and loops there are, and from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seglosses.topology.bars import Filtered
from seglosses.topology.filtration import (
    Construction,
    Filtration,
    check_choice,
    check_image,
    dense_keys,
    order_keys,
)
from seglosses.topology.memory import fitting

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


# What a volume needs at its peak.
BYTES_A_VOXEL = 80


@dataclass(frozen=True)
class Barcode:
    """The bars of an image, by dimension.

    Attributes:
        pairs: Flat row-major indices of the birth and the death pixel of every bar of positive
            length, int64 (k, 2), one array a dimension.
        values: The image at these pixels, (k, 2), one array a dimension.
        essential: Flat index of the pixel at which the component that never dies is born. It is in
            no other attribute.
    """

    pairs: tuple[NDArray[np.int64], ...]
    values: tuple[NDArray[Any], ...]
    essential: int


def persistence(
    image: ArrayLike,
    *,
    filtration: Filtration = "superlevel",
    construction: Construction = "V",
) -> Barcode:
    """Barcode of an image with the pixels at which every bar begins and ends.

    The image is thresholded at every level at once: a component or loop of the set ``image >= t``
    (``image <= t`` for the sublevel filtration) is born at some level and dies at another, and each
    of the two levels is the value of a pixel. Which one of several equal pixels is named depends on
    their flat indices only, never on chance.

    Args:
        image: Numbers or booleans without NaN, (H, W) or (D, H, W). Infinities are allowed.
        filtration: ``'superlevel'`` (bright is foreground) or ``'sublevel'``.
        construction: ``'V'``: pixels are points and the foreground is 4-connected (6 in 3D).
            ``'T'``: pixels are closed squares and the foreground is 8-connected (26 in 3D).

    Returns:
        The barcode: components, loops and, in 3D, cavities. A constant image has only its essential
        component.

    Raises:
        ValueError: For NaN, an empty image, another number of axes, or an unknown option.
        MemoryError: Where a volume is too large for the memory that is free.

    References:
        Garin et al., Duality in Persistent Homology of Images, arXiv:2102.11397.

    Example:
        >>> bars = persistence([[1.0, 0.9, 1.0], [0.8, 0.0, 0.7], [1.0, 0.9, 1.0]])
        >>> bars.values[1].tolist()  # the ring closes at its weakest pixel and fills at its centre
        [[0.7, 0.0]]
        >>> bars.pairs[1].tolist()
        [[5, 4]]
    """
    check_choice("filtration", filtration, ("superlevel", "sublevel"))
    check_choice("construction", construction, ("V", "T"))
    array = check_image(image)
    if array.ndim == 3:
        fitting(array.shape, (BYTES_A_VOXEL,), "crop it, or take windows of it")
    (key,) = order_keys(array)
    if array.ndim == 3:
        (key,), _ = dense_keys(key)
    if filtration == "superlevel":
        key = ~key
    filtered = Filtered.of(key, construction=construction, relative=False)
    pairs = [filtered.pairs(dim)[0] for dim in range(array.ndim)]
    if construction == "T":
        pairs.reverse()
    flat = array.ravel()
    return Barcode(tuple(pairs), tuple(flat[pair] for pair in pairs), filtered.oldest)
