"""What a mask is: zeros and ones; other values raise instead of being cut off silently."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Mask: TypeAlias = NDArray[np.bool_]


def as_mask(values: ArrayLike, what: str = "mask") -> Mask:
    """A mask as booleans; probabilities, label maps and pictures of 0 and 255 are no masks.

    Args:
        values: Booleans, or numbers that are all 0 or 1, (*S).
        what: Its name in messages.

    Returns:
        Booleans of that shape; the array itself where it is boolean.

    Raises:
        ValueError: For any other number, NaN included.

    Example:
        >>> as_mask([[0, 1]])
        array([[False,  True]])
        >>> as_mask([0.0, 0.3])
        Traceback (most recent call last):
        ValueError: the mask must hold 0 and 1 only, got 0.3 (float64); threshold it first, for example mask > 0.5
    """  # noqa: E501
    array = np.asarray(values)
    if array.dtype == np.bool_:
        return array
    mask = array.astype(np.bool_)
    wrong = array != mask
    if wrong.any():
        found = array[wrong].flat[0]
        if np.issubdtype(array.dtype, np.floating):
            remedy = "threshold it first, for example mask > 0.5"
        else:
            remedy = f"compare it with a class first, for example mask == {found}, or mask > 0"
        raise ValueError(
            f"the {what} must hold 0 and 1 only, got {found} ({array.dtype}); {remedy}"
        )
    return mask
