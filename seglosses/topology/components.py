"""Connected components, Betti numbers and the Euler number of masks.

A mask is read as a cubical complex. Its *connectivity* says which pixels touch:

* 8 in 2D and 26 in 3D (the default): pixels are closed cells that touch at a common corner. This is
  the T-construction of persistence; the background is then 4-connected (6-connected in 3D).
* 4 in 2D and 6 in 3D: pixels are points that touch along an axis. This is the V-construction; the
  background is then 8-connected (26-connected in 3D).

Foreground and background never share a connectivity, otherwise a closed curve would not separate
its inside from its outside. The space outside the image is background, so a background component
that touches the image border is no hole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]

_FULL = {2: 8, 3: 26}
_SPARSE = {2: 4, 3: 6}


def check_mask(mask: ArrayLike) -> Mask:
    """Return a 2D or 3D mask as booleans.

    Args:
        mask: Booleans or integers, (H, W) or (D, H, W); everything but 0 is foreground.

    Returns:
        The mask as booleans, a view where it already was boolean.

    Raises:
        ValueError: For another number of axes, and for floats, whose threshold is the caller's.
    """
    array = np.asarray(mask)
    if array.ndim not in _FULL:
        raise ValueError(
            f"expected a mask (H, W) or (D, H, W), got shape {array.shape}; "
            "pass one image at a time"
        )
    if array.dtype != np.bool_ and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"expected a mask of booleans or integers, got {array.dtype}; threshold it first"
        )
    return array.astype(np.bool_, copy=False)


def check_connectivity(connectivity: int | None, ndim: int) -> bool:
    """Say whether a connectivity is the full one (8, 26) rather than the sparse one (4, 6).

    Args:
        connectivity: 4 or 8 in 2D, 6 or 26 in 3D, None for the larger one.
        ndim: 2 or 3.

    Returns:
        True for 8 and 26.

    Raises:
        ValueError: For any other number.
    """
    if connectivity in (None, _FULL[ndim]):
        return True
    if connectivity == _SPARSE[ndim]:
        return False
    raise ValueError(
        f"expected connectivity {_SPARSE[ndim]} or {_FULL[ndim]} in {ndim}D, got {connectivity!r}"
    )


def label_components(
    mask: ArrayLike, *, connectivity: int | None = None
) -> tuple[NDArray[np.int32], int]:
    """Number the connected components of a mask.

    Args:
        mask: Booleans or integers, (H, W) or (D, H, W); everything but 0 is foreground.
        connectivity: 4 or 8 in 2D, 6 or 26 in 3D; None means 8 or 26.

    Returns:
        The labels, 0 for background and 1..n in the order of the first pixel, row by row; and n.
        An empty mask has n = 0.

    Example:
        >>> labels, count = label_components([[1, 0], [0, 1]], connectivity=4)
        >>> count, labels.tolist()
        (2, [[1, 0], [0, 2]])
    """
    array = check_mask(mask)
    full = check_connectivity(connectivity, array.ndim)
    return _label(array, full)


def _label(array: Mask, full: bool) -> tuple[NDArray[np.int32], int]:
    structure = ndimage.generate_binary_structure(array.ndim, array.ndim if full else 1)
    labels = np.empty(array.shape, np.int32)
    count = ndimage.label(array, structure, output=labels)
    return labels, int(count)


def euler_number(mask: ArrayLike, *, connectivity: int | None = None) -> int:
    """Euler number of a mask: components - loops + cavities, without labelling anything.

    The alternating count of cells, summed locally:

        euler = vertices - edges + squares - cubes

    With connectivity 4 or 6 a foreground pixel is a vertex, and a larger cell is present when all
    its pixels are. With connectivity 8 or 26 a pixel is a closed square or cube with all its faces.

    Args:
        mask: Booleans or integers, (H, W) or (D, H, W); everything but 0 is foreground.
        connectivity: 4 or 8 in 2D, 6 or 26 in 3D; None means 8 or 26.

    Returns:
        The Euler number, 0 for an empty mask.

    Example:
        >>> euler_number([[1, 1, 1], [1, 0, 1], [1, 1, 1]])  # one component, one loop
        0
    """
    array = check_mask(mask)
    full = check_connectivity(connectivity, array.ndim)
    return _euler(array, full)


def _euler(array: Mask, full: bool) -> int:
    # With full connectivity a face of the grid is covered when a pixel beside it is, and each join
    # lowers the dimension by one; otherwise a cell needs all its pixels, and each join raises it.
    join: Callable[[Mask, Mask], Mask] = np.logical_or if full else np.logical_and
    dimension, step = (array.ndim, -1) if full else (0, 1)
    cells = [(dimension, np.pad(array, 1) if full else array)]
    for axis in range(array.ndim):
        head = tuple(slice(None, -1) if i == axis else slice(None) for i in range(array.ndim))
        tail = tuple(slice(1, None) if i == axis else slice(None) for i in range(array.ndim))
        cells += [(dimension + step, join(block[head], block[tail])) for dimension, block in cells]
    return sum((-1) ** dimension * int(np.count_nonzero(block)) for dimension, block in cells)


def betti_numbers(mask: ArrayLike, *, connectivity: int | None = None) -> tuple[int, ...]:
    """Betti numbers of a mask: components, loops and, in 3D, cavities.

    In 2D a loop surrounds a hole: a background component that does not touch the image border. In
    3D a tunnel is a loop and a cavity is an enclosed background component. Components and cavities
    are labelled, and the loops follow from the Euler number:

        loops = components + cavities - euler

    Args:
        mask: Booleans or integers, (H, W) or (D, H, W); everything but 0 is foreground.
        connectivity: Of the foreground: 4 or 8 in 2D, 6 or 26 in 3D; None means 8 or 26. The
            background takes the other one.

    Returns:
        ``(b0, b1)`` in 2D and ``(b0, b1, b2)`` in 3D. All are 0 for an empty mask.

    Raises:
        ValueError: For floats, another number of axes, or an unknown connectivity.

    Example:
        >>> betti_numbers([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]])
        (1, 1)
        >>> betti_numbers([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]], connectivity=4)
        (2, 1)
    """
    array = check_mask(mask)
    full = check_connectivity(connectivity, array.ndim)
    components = _label(array, full)[1]
    euler = _euler(array, full)
    if array.ndim == 2:
        return components, components - euler
    # The padding joins everything that touches the border into one outer component.
    cavities = _label(np.pad(~array, 1, constant_values=True), not full)[1] - 1
    return components, components + cavities - euler, cavities
