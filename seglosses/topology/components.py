"""Connected components of masks, and what a mask and a connectivity are.

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

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from seglosses.topology.kernels.labels import label_foreground, paint

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]

_FILLED = 0.02
"""Share of a volume below which its runs are labelled faster than by cc3d."""

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
    if array.ndim == 3 and np.count_nonzero(array) > _FILLED * array.size:
        cc3d = _cc3d()
        if cc3d is not None:
            return label_by_cc3d(cc3d, array, full)
    return label_runs(array, full)


@cache
def _cc3d() -> Any:
    """The library where it is installed (extra ``cc3d``), else None."""
    try:
        return importlib.import_module("cc3d")
    except ImportError:
        return None


def label_by_cc3d(cc3d: Any, array: Mask, full: bool) -> tuple[NDArray[np.int32], int]:
    """As :func:`label_components`, of a volume that holds something.

    Args:
        cc3d: The library.
        array: Boolean, (D, H, W).
        full: Whether voxels are 26-connected, else 6-connected.

    Returns:
        The same labels, and how many.
    """
    volume = np.ascontiguousarray(array)
    labels, count = cc3d.connected_components(
        volume, connectivity=26 if full else 6, return_N=True, out_dtype=np.uint32
    )
    return labels.view(np.int32), int(count)


def label_runs(array: Mask, full: bool) -> tuple[NDArray[np.int32], int]:
    """As :func:`label_components`, run by run, without any library.

    Args:
        array: Boolean, (H, W) or (D, H, W).
        full: Whether pixels are 8-connected (26 in volumes), else 4-connected (6).

    Returns:
        Labels and how many.

    Example:
        >>> label_runs(np.array([[True, False, True]]), True)[1]
        2
    """
    labels = np.zeros(array.shape, np.int32)
    start, stop, component, count = foreground_runs(array, full)
    paint(start, stop, component, labels.ravel())
    return labels, count


def foreground_runs(
    array: Mask, full: bool = True
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], int]:
    """The components of a mask as runs of its pixels, row by row.

    Args:
        array: Boolean, (H, W) or (D, H, W).
        full: As for :func:`label_runs`.

    Returns:
        Where each run begins and ends in the flattened mask, its component from 0, and how many
        components there are.

    Example:
        >>> start, stop, component, count = foreground_runs(np.array([[True, False, True]]))
        >>> start.tolist(), stop.tolist(), component.tolist(), count
        ([0, 2], [1, 3], [0, 1], 2)
    """
    if not array.size:
        nothing = np.zeros(0, np.int32)
        return nothing, nothing, nothing, 0
    volume = as_volume(array)
    runs = label_foreground(volume.ravel(), *volume.shape[1:], int(full))
    return (*runs[:3], int(runs[3]))


def as_volume(array: Mask) -> NDArray[np.uint8]:
    """A mask as the kernels read it: in C order, with three axes.

    Args:
        array: Boolean mask, (H, W) or (D, H, W).

    Returns:
        0 and 1, (D, H, W); a plane has one slice.

    Raises:
        ValueError: For masks of 2 GiB and more.
    """
    if array.size >= 2**31 - 2**16:
        raise ValueError(
            f"a mask of {array.size} pixels is too large, places are counted in 32 bits; cut it up"
        )
    volume = np.ascontiguousarray(array).view(np.uint8)
    return volume if array.ndim == 3 else volume[None]
