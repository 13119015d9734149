"""Images as integer filtrations: values become ordered keys, options become padding.

Every engine below works on one kind of input: int32 keys, sublevel sets, V-construction (pixels are
points). What users ask for is brought into that form here and nowhere else:

* superlevel sets of f are sublevel sets of -f, and the complement of a key reverses the order;
* the T-construction (pixels are closed squares) of f is dual to the V-construction of -f inside a
  frame that is older than every pixel (Garin et al., Duality in Persistent Homology of Images,
  arXiv:2102.11397): dimensions d and n-1-d change places, and so do birth and death;
* ``relative`` surrounds the image with its own oldest value, so that regions that touch the border
  become loops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seglosses.topology.kernels.grid import OUTSIDE
from seglosses.topology.kernels.order import FRAME, dense_levels
from seglosses.topology.sides import Ints

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Filtration = Literal["superlevel", "sublevel"]
Construction = Literal["V", "T"]


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless a keyword has one of its values.

    Args:
        name: Keyword.
        value: What was passed.
        choices: What is allowed.

    Raises:
        ValueError: For any other value.
    """
    if value not in choices:
        raise ValueError(f"expected {name} to be one of {', '.join(choices)}, got {value!r}")


def check_image(image: ArrayLike, *, finite: bool = False) -> NDArray[Any]:
    """Return an image as an array of numbers, once it is fit for a filtration.

    Args:
        image: Numbers or booleans, (H, W) or (D, H, W), not empty.
        finite: Whether infinities are refused too.

    Returns:
        The array.

    Raises:
        ValueError: For other shapes, other types, NaN, and infinities if ``finite``.
    """
    array = np.asarray(image)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"expected an image (H, W) or (D, H, W), got shape {array.shape}; "
            "pass one image at a time"
        )
    if array.size == 0:
        raise ValueError(f"expected at least one pixel, got shape {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"expected real numbers, got {array.dtype}; convert the image first")
    if array.dtype.kind == "f":
        low, high = array.min(), array.max()
        if np.isnan(low) or np.isnan(high):
            raise ValueError("expected numbers, got NaN; a filtration needs values that compare")
        if finite and not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError("expected finite values, got infinities; clip the image first")
    return array


def order_keys(*images: NDArray[Any]) -> list[Ints]:
    """Turn images into int32 keys that compare exactly like their values, also across images.

    Values that float32 holds exactly keep their bits in a monotone arrangement. Others (float64
    with more digits, large integers) are replaced by their ranks, which costs a sort.

    Args:
        images: Arrays without NaN.

    Returns:
        One array of keys per image, none of them the smallest or the largest int32.

    Example:
        >>> import numpy as np
        >>> order_keys(np.array([[-1.5, 0.0, 2.0]]), np.array([[1, -1, 0]]))[0].dtype
        dtype('int32')
    """
    keys = []
    for image in images:
        single = image.astype(np.float32)
        if image.dtype.itemsize > 2 and image.dtype != np.float32 and not _same(single, image):
            break
        # Adding zero makes a negative zero positive: they are equal and must share a key.
        single += np.float32(0)
        bits = single.view(np.int32)
        bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)
        keys.append(bits)
    else:
        return keys
    values = np.concatenate([image.ravel() for image in images])
    ranks = np.unique(values, return_inverse=True)[1].astype(np.int32)
    parts = np.split(ranks, np.cumsum([image.size for image in images])[:-1])
    return [part.reshape(image.shape) for part, image in zip(parts, images, strict=True)]


def dense_keys(*keys: Ints) -> tuple[list[Ints], int]:
    """Replace keys by their ranks among all of them, from 0.

    Args:
        keys: Keys, of any shapes.

    Returns:
        The ranks, and how many there are.

    Example:
        >>> dense_keys(np.array([7, -2, 7], np.int32))
        ([array([1, 0, 1], dtype=int32)], 2)
    """
    flat = np.concatenate([key.ravel() for key in keys])
    ranks = np.empty(flat.size, np.int32)
    count = dense_levels(flat, ranks)
    parts = np.split(ranks, np.cumsum([key.size for key in keys])[:-1])
    return [part.reshape(key.shape) for part, key in zip(parts, keys, strict=True)], int(count)


def _same(single: NDArray[np.float32], image: NDArray[Any]) -> bool:
    if image.dtype.kind == "f":
        return bool(np.array_equal(single, image))
    return bool(np.abs(image.min()) <= 2**24 and image.max() <= 2**24)


@dataclass(frozen=True)
class Frame:
    """How an image was padded.

    Attributes:
        shape: Shape of the image.
        margin: Pixels added on every side.
        dual: Whether the T-construction was asked for.
    """

    shape: tuple[int, ...]
    margin: int
    dual: bool


def pad_keys(key: Ints, *, construction: Construction, relative: bool) -> tuple[Ints, Frame]:
    """Bring the keys of a sublevel filtration into the form of the engines.

    Args:
        key: Keys of the image, (H, W) or (D, H, W).
        construction: ``'V'`` or ``'T'``.
        relative: Whether to surround the image with its smallest value.

    Returns:
        The padded keys, and how they were padded.
    """
    shape = key.shape
    rings: list[np.int32] = []
    dual = construction == "T"
    if relative:
        rings.append(key.min())
    if dual:
        key = ~key
        rings = [~ring for ring in rings] + [FRAME]
    rings.append(OUTSIDE)
    margin = len(rings)
    padded = np.empty(tuple(size + 2 * margin for size in shape), np.int32)
    for depth, ring in enumerate(reversed(rings)):
        padded[(slice(depth, -depth or None),) * key.ndim] = ring
    padded[(slice(margin, -margin),) * key.ndim] = key
    return padded, Frame(shape, margin, dual)
