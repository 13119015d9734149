"""Hard skeletons of masks, 2D and 3D.

The only home of scikit-image's `skeletonize`, which thins planes; volumes are thinned by a kernel
that equals it. The last results are remembered, see :mod:`seglosses.topology.skeleton_memory`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.morphology import skeletonize as thin

from seglosses.primitives.distance import distance_to
from seglosses.primitives.masks import as_mask
from seglosses.topology import label_components
from seglosses.topology.kernels.thinning import thin as thin_flat
from seglosses.topology.overlaps import label_boxes
from seglosses.topology.skeleton_memory import clear_cache as clear_cache
from seglosses.topology.skeleton_memory import remembered

_FEW = 500
"""Components that are worth cutting out one by one."""

Box = tuple[slice, slice]
Mask = NDArray[np.bool_]


def _restore_lost_components(skeleton: Mask, mask: Mask) -> None:
    """Thin components that thinning deleted once more as complexes of cells, in place.

    Lee's thinning deletes some blocks and straight tubes with even sides entirely, such as 2x2x2
    and 2x2x20. Voxels with their faces, edges and corners have odd sides only. Blocks of two
    voxels a side, and what is deleted again, keep their deepest voxel.
    """
    labels, count = label_components(mask)
    gone = np.bincount(labels[skeleton], minlength=count + 1) == 0
    gone[0] = False
    left = np.where(gone[labels], labels, 0)
    for number, box in enumerate(ndimage.find_objects(left), 1):
        if box is None or max(side.stop - side.start for side in box) <= 2:
            continue
        part = left[box] == number
        finer, vanished = _lee(_as_cells(part))
        if not vanished:
            skeleton[box] |= _as_voxels(finer, part)
            left[box][part] = 0
    if left.any():
        _keep_deepest(skeleton, left)


def _as_cells(mask: Mask) -> Mask:
    """Voxels as closed cubes: 2 n + 1 places an axis, odd ones within voxels, even ones between."""
    cells = np.zeros([2 * side + 1 for side in mask.shape], bool)
    for first in product((0, 1, 2), repeat=mask.ndim):
        places = zip(first, mask.shape, strict=True)
        cells[tuple(slice(at, at + 2 * side - 1, 2) for at, side in places)] |= mask
    return cells


def _as_voxels(cells: Mask, mask: Mask) -> Mask:
    """The voxel of each cell; of a cell between several, the first in the mask."""
    places, voxels = np.argwhere(cells), np.zeros(mask.shape, bool)
    framed = np.pad(mask, 1)
    for back in product((0, 1), repeat=mask.ndim):
        # place 2 i + 1 lies in voxel i, place 2 i between i - 1 and i
        found = places // 2 - np.where(places % 2, 0, back)
        inside = framed[tuple(found.T + 1)]
        voxels[tuple(found[inside].T)] = True
        places = places[~inside]
    return voxels


def _keep_deepest(skeleton: Mask, labels: NDArray[np.int32]) -> None:
    """Add the deepest voxel of each component, in place."""
    voxels = np.nonzero(labels)
    # The background nearest to a component lies beside it: one voxel of margin holds it.
    box = tuple(slice(max(axis.min() - 1, 0), axis.max() + 2) for axis in voxels)
    here = tuple(axis - side.start for axis, side in zip(voxels, box, strict=True))
    depth = distance_to(labels[box] == 0)[here]
    # By component, the deepest voxel first, and of equal ones the first.
    order = np.lexsort((-depth, labels[voxels]))
    starts = np.flatnonzero(np.diff(labels[voxels][order], prepend=0))
    chosen = order[starts]
    skeleton[tuple(axis[chosen] for axis in voxels)] = True


def skeletonize(mask: ArrayLike) -> NDArray[np.bool_]:
    """One-pixel-wide skeleton of a mask with the mask's topology.

    Zhang's thinning in 2D (and of a volume with one slice), Lee's in 3D, as scikit-image chooses.
    Lee's deletes some components entirely, among them straight tubes of even width; these are
    thinned as voxels with their faces, edges and corners, which leaves a line.

    Args:
        mask: Boolean mask, (H, W) or (D, H, W).

    Returns:
        Boolean skeleton of the same shape, the caller's own copy; empty for an empty mask.

    Raises:
        ValueError: When the mask has neither two nor three axes.

    Example:
        >>> import numpy as np
        >>> skeletonize(np.ones((3, 7), bool)).astype(int)
        array([[0, 0, 0, 0, 0, 1, 0],
               [1, 1, 1, 1, 1, 0, 0],
               [0, 0, 0, 0, 0, 0, 0]])
    """
    array = _checked(mask)
    return remembered(array, "skeleton", lambda: _thinned(array))


def skeletons_apart(mask: ArrayLike) -> NDArray[np.bool_]:
    """Skeletons of the components of a plane that share no side, each thinned by itself (Lee).

    Components that meet at a corner are thinned apart.

    Args:
        mask: Boolean mask, (H, W).

    Returns:
        Boolean, of the same shape.

    Example:
        >>> import numpy as np
        >>> skeletons_apart(np.ones((3, 7), bool)).astype(int)
        array([[0, 0, 0, 0, 0, 0, 0],
               [1, 1, 1, 1, 1, 1, 1],
               [0, 0, 0, 0, 0, 0, 0]])
    """
    array = _checked(mask)

    def thinned() -> NDArray[np.bool_]:
        labels, boxes = label_boxes(array, connectivity=4)
        return _side_by_side(array, labels, boxes, _lee_plane)

    return remembered(array, "apart", thinned)


def lee_skeleton(mask: ArrayLike) -> NDArray[np.bool_]:
    """Skeleton of a plane by Lee's thinning, where :func:`skeletonize` takes Zhang's.

    Args:
        mask: Boolean mask, (H, W).

    Returns:
        Boolean, of the same shape.

    Example:
        >>> import numpy as np
        >>> int(lee_skeleton(np.ones((3, 7), bool)).sum()), int(skeletonize(np.ones((3, 7))).sum())
        (7, 6)
    """
    array = _checked(mask)
    return remembered(array, "lee", lambda: _lee_plane(array))


def tube(mask: ArrayLike, radius: int = 2) -> NDArray[np.bool_]:
    """Skeleton of a mask, made thicker and cut back to the mask.

    Args:
        mask: Boolean mask, (H, W) or (D, H, W).
        radius: Steps of dilation by the cross (4 or 6 neighbours), pixels.

    Returns:
        Boolean tube of the same shape, the caller's own copy; empty for an empty mask.

    Raises:
        ValueError: When the mask has neither two nor three axes, or for a negative radius.

    Example:
        >>> import numpy as np
        >>> tube(np.ones((3, 7), bool), 2).astype(int)
        array([[1, 1, 1, 1, 1, 1, 1],
               [1, 1, 1, 1, 1, 1, 1],
               [1, 1, 1, 1, 1, 1, 0]])
    """
    if radius < 0:
        raise ValueError(f"radius must not be negative, got {radius}")
    array = _checked(mask)
    return remembered(array, f"tube {radius}", lambda: _thickened(array, radius))


def _checked(mask: ArrayLike) -> NDArray[np.bool_]:
    array = np.ascontiguousarray(as_mask(mask))
    if array.ndim not in (2, 3):
        raise ValueError(
            f"a skeleton needs a mask with 2 or 3 axes, got shape {array.shape}; "
            "call once per image and class"
        )
    return array


def _thinned(array: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # One slice of a volume is thinned as a plane, so that both dimensions agree on it.
    flat = array.ndim == 3 and 1 in array.shape
    plane = array.squeeze(axis=array.shape.index(1)) if flat else array
    if plane.ndim == 2:
        return _thinned_plane(plane).reshape(array.shape)
    skeleton, vanished = _lee(array)
    if vanished:
        _restore_lost_components(skeleton, array)
    return skeleton


def _lee(volume: Mask) -> tuple[Mask, int]:
    """Skeleton of a volume, or of a plane (1, H, W), and how many components it has lost."""
    framed = np.pad(volume, 1).view(np.uint8)
    step = np.array([framed.shape[1] * framed.shape[2], framed.shape[2], 1])
    around = np.array([way for way in product((-1, 0, 1), repeat=3) if any(way)]) @ step
    faces = np.array([-step[1], step[1], 1, -1, step[0], -step[0]])
    if len(volume) == 1:
        # a plane has no sides in front of it and behind it
        faces = faces[:4]
    flat = framed.ravel()
    vanished = thin_flat(flat, np.flatnonzero(flat), around, faces)
    return np.ascontiguousarray(framed[1:-1, 1:-1, 1:-1]).view(np.bool_), int(vanished)


def _lee_plane(plane: Mask) -> Mask:
    volume, _ = _lee(plane[None])
    return volume.reshape(plane.shape)


def _thinned_plane(plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin a plane; its components, which do not touch, side by side without what is between.

    Each pass of scikit-image visits all pixels of the image it is given.
    """
    labels, boxes = label_boxes(plane)
    if len(boxes) > _FEW or sum(math.prod(_sides(box)) for box in boxes) > plane.size // 2:
        return np.asarray(thin(plane), np.bool_)
    return _side_by_side(plane, labels, boxes, thin)


def _sides(box: Box) -> tuple[int, int]:
    """Height and width with one pixel of margin."""
    rows, columns = box
    return rows.stop - rows.start + 1, columns.stop - columns.start + 1


def _side_by_side(
    plane: Mask, labels: NDArray[np.int32], boxes: list[Box], thinning: Callable[[Mask], Mask]
) -> Mask:
    """Thin a picture in which the components stand close and none touch, and put them back."""
    sizes = [_sides(box) for box in boxes]
    area = sum(height * width for height, width in sizes)
    length = max(math.isqrt(area), *(width for _, width in sizes))
    moved = np.zeros((len(boxes) + 1, 2), np.intp)
    top, left, bottom = 1, 1, 1
    # on shelves, the tallest first
    for index in sorted(range(len(boxes)), key=lambda index: sizes[index], reverse=True):
        height, width = sizes[index]
        if left + width > length + 1:
            top, left = bottom, 1
        rows, columns = boxes[index]
        moved[index + 1] = top - rows.start, left - columns.start
        left, bottom = left + width, max(bottom, top + height)
    # Found in a flat array of booleans, which takes a tenth of the time of one with two axes.
    here = np.flatnonzero(plane)
    there = np.stack(np.divmod(here, plane.shape[1]), 1) + moved[labels.ravel()[here]]
    places = there @ np.array([length + 1, 1])
    together = np.zeros((bottom, length + 1), bool)
    together.ravel()[places] = True
    skeleton = np.zeros(plane.shape, bool)
    skeleton.ravel()[here] = thinning(together).ravel()[places]
    return skeleton


def _thickened(array: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    skeleton = skeletonize(array)
    if radius == 0:
        return skeleton
    # the skeleton of a mask is cut back to it at the end only: dilation may leave and come back
    wide: NDArray[np.bool_] = ndimage.binary_dilation(skeleton, iterations=radius)
    return wide & array
