"""Exact Euclidean distance maps and surfaces of masks, the only home of the distance transform.

Every map here is exact (float32; by the `edt` package, and by a kernel of our own for images
without long distances) and has a stated value for masks that are empty or full, where bare
transforms return infinities, numbers without meaning, or whatever lies in memory. Distances run
from pixel centre to pixel centre, in pixels, or in the unit of `spacing` (one number per axis, in
the order of the axes). The image border is never a boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import edt
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from seglosses.primitives._kernels_distance import short_squares
from seglosses.primitives.masks import Mask, as_mask

Map: TypeAlias = NDArray[np.float32]
Spacing: TypeAlias = Sequence[float] | float | None

#: pixels; beyond this the general transform is faster
_SHORT = 256


def as_numbers(spacing: Spacing) -> Spacing:
    """The spacing without NumPy's types, which ``torch.compile`` would make tensors of.

    Example:
        >>> as_numbers(np.array([2.0, 1.0])), as_numbers((np.float32(0.5), 1)), as_numbers(None)
        ((2.0, 1.0), (0.5, 1), None)
    """
    if spacing is None or isinstance(spacing, int | float | np.number):
        return spacing.item() if isinstance(spacing, np.generic) else spacing
    return tuple(each.item() if isinstance(each, np.generic) else each for each in spacing)


def spacing_of(ndim: int, spacing: Spacing = None) -> tuple[float, ...]:
    """Return one positive number per axis.

    Args:
        ndim: Number of axes.
        spacing: Edge lengths of a pixel; one number stands for all axes, None for 1.

    Raises:
        ValueError: When the count is wrong or a length is not positive and finite.

    Example:
        >>> spacing_of(2), spacing_of(3, 0.5), spacing_of(2, (2, 1))
        ((1.0, 1.0), (0.5, 0.5, 0.5), (2.0, 1.0))
    """
    if spacing is None:
        return (1.0,) * ndim
    # not np.isscalar, which no compiler traces
    if isinstance(spacing, int | float | np.number):
        lengths = (float(spacing),) * ndim
    else:
        lengths = tuple(map(float, spacing))
    if len(lengths) != ndim or not all(0 < length < np.inf for length in lengths):
        raise ValueError(
            f"spacing needs {ndim} positive numbers (one per axis), got {spacing!r}; "
            "give them in the order of the array's axes"
        )
    return lengths


def _transform(foreground: NDArray[np.generic], spacing: tuple[float, ...]) -> Map:
    """Distance of each non-zero pixel to the nearest pixel of another value, inf where none."""
    if foreground.size == 0:
        return np.zeros(foreground.shape, np.float32)
    data = np.ascontiguousarray(foreground)
    short = _short_transform(data, spacing)
    if short is not None:
        return short
    lengths = spacing if data.ndim > 1 else spacing[0]
    out: Map = edt.edt(data, anisotropy=lengths, black_border=False, parallel=1)
    return out


def _short_transform(foreground: NDArray[np.generic], spacing: tuple[float, ...]) -> Map | None:
    """:func:`_transform` of an image in which no distance is long; None for any other."""
    if foreground.ndim != 2 or foreground.itemsize != 1 or spacing[0] != spacing[1]:
        return None
    squares = np.empty(foreground.shape, np.int32)
    labels = foreground.view(np.uint8)
    if not short_squares(labels, _SHORT, squares):
        return None
    out: Map = np.sqrt(squares, dtype=np.float32)
    out *= np.float32(spacing[0])
    out[labels == 0] = 0
    return out


def _as_mask(mask: ArrayLike) -> Mask:
    array = as_mask(mask)
    if not 1 <= array.ndim <= 3:
        raise ValueError(
            f"mask needs 1, 2 or 3 axes, got shape {array.shape}; call once per image and class"
        )
    return array


def distance_to(mask: ArrayLike, spacing: Spacing = None) -> Map:
    """Distance of every pixel to the nearest pixel of the mask.

    Args:
        mask: Boolean mask, (*S) with one to three axes.
        spacing: Edge lengths of a pixel.

    Returns:
        Distances, (*S), float32; 0 on the mask; inf everywhere when the mask is empty.

    Example:
        >>> distance_to([[0, 0, 1]])
        array([[2., 1., 0.]], dtype=float32)
    """
    array = _as_mask(mask)
    return _transform(~array, spacing_of(array.ndim, spacing))


def two_sided_distance(mask: ArrayLike, spacing: Spacing = None) -> Map:
    """Distance of every pixel to the nearest pixel on the other side of the mask's boundary.

    Args:
        mask: Boolean mask, (*S) with one to three axes.
        spacing: Edge lengths of a pixel.

    Returns:
        Distances, (*S), float32; zeros when the mask is empty or full, for it has no boundary.

    Example:
        >>> two_sided_distance([[0, 0, 1, 1]])
        array([[2., 1., 1., 2.]], dtype=float32)
    """
    array = _as_mask(mask)
    if array.all() or not array.any():
        return np.zeros(array.shape, np.float32)
    return _transform(array.view(np.uint8) + np.uint8(1), spacing_of(array.ndim, spacing))


def inner_distances(labels: ArrayLike, spacing: Spacing = None) -> Map:
    """Distance of every pixel to the nearest pixel of another label: all classes in one pass.

    Args:
        labels: Integer labels, (*S) with one to three axes; any values.
        spacing: Edge lengths of a pixel.

    Returns:
        Distances, (*S), float32; zeros when all pixels carry one label.

    Example:
        >>> inner_distances([[3, 3, 0, 7]])
        array([[2., 1., 1., 1.]], dtype=float32)
    """
    array = np.asarray(labels)
    if array.size == 0 or (array == array.flat[0]).all():
        return np.zeros(array.shape, np.float32)
    low, high = int(array.min()), int(array.max())
    # The transform takes 0 for background, so labels are shifted to start at 1.
    shifted = (
        array.astype(np.uint8) + np.uint8(1)
        if low >= 0 and high < 255
        else (array.astype(np.int64) - low + 1).astype(np.uint32)
    )
    return _transform(shifted, spacing_of(array.ndim, spacing))


def signed_distance(mask: ArrayLike, spacing: Spacing = None) -> Map:
    """Signed distance map of the Kervadec boundary loss.

        phi = EDT(outside)                 outside,
        phi = -(EDT(inside) - rim)         inside,

    where `rim` is the inside distance of the nearest rim pixel (a mask pixel with an outside
    neighbour across a face): one pixel when all axes have the same spacing, and whatever makes
    the rim exactly 0 when they differ.

    Args:
        mask: Boolean mask, (*S) with one to three axes.
        spacing: Edge lengths of a pixel.

    Returns:
        Signed distances, (*S), float32; zeros when the mask is empty or full.

    References:
        Kervadec et al., Boundary loss for highly unbalanced segmentation, MIDL 2019,
        arXiv:1812.07032. Their code subtracts 1 whatever the spacing.

    Example:
        >>> signed_distance([[0, 0, 1, 1, 1, 0]])
        array([[ 2.,  1.,  0., -1.,  0.,  1.]], dtype=float32)
    """
    array = _as_mask(mask)
    phi = two_sided_distance(array, spacing)
    if phi.any():
        lengths = spacing_of(array.ndim, spacing)
        phi[array] = _below_rim(phi, array, array, lengths)[array]
    return phi


def signed_distances(masks: ArrayLike, spacing: Spacing = None) -> Map:
    """:func:`signed_distance` of every class of one image, sharing passes where it can.

    When no pixel belongs to two masks, one pass over the label map gives the inside distances
    of all classes; otherwise each mask pays for its own.

    Args:
        masks: Boolean masks, (C, *S), overlapping or not.
        spacing: Edge lengths of a pixel.

    Returns:
        Signed distances, (C, *S), float32; zeros for every class that is empty or full.

    Raises:
        ValueError: for masks without a class axis, or of more than three dimensions.

    Example:
        >>> signed_distances([[[1, 0, 0]], [[0, 1, 1]]])[:, 0]
        array([[ 0.,  1.,  2.],
               [ 1.,  0., -1.]], dtype=float32)
    """
    array = as_mask(masks)
    if not 2 <= array.ndim <= 4:
        raise ValueError(f"masks need the shape (C, *S), got {array.shape}")
    if array.size == 0 or len(array) == 1 or int(array.sum()) > int(array.any(axis=0).sum()):
        maps = [signed_distance(mask, spacing) for mask in array]
        return np.stack(maps) if maps else np.zeros(array.shape, np.float32)
    labels = np.full(array.shape[1:], len(array), np.uint8 if len(array) < 255 else np.int32)
    for index, mask in enumerate(array):
        labels[mask] = index
    return signed_label_distances(labels, len(array), spacing)


def signed_label_distances(labels: ArrayLike, num_classes: int, spacing: Spacing = None) -> Map:
    """:func:`signed_distance` of every class of a label map.

    Args:
        labels: Integer labels, (*S); values outside [0, num_classes), such as an ignored 255,
            belong to no class.
        num_classes: Number of classes C.
        spacing: Edge lengths of a pixel.

    Returns:
        Signed distances, (C, *S), float32; zeros for every class that is empty or full.

    Example:
        >>> signed_label_distances([[0, 1, 1, 255]], 2)[:, 0]
        array([[0., 1., 2., 3.],
               [1., 0., 0., 1.]], dtype=float32)
    """
    array = np.asarray(labels)
    lengths = spacing_of(array.ndim, spacing)
    maps = np.zeros((num_classes, *array.shape), np.float32)
    inner: Map | None = None
    for index in range(num_classes):
        mask = array == index
        if not mask.any() or mask.all():
            continue
        if inner is None:
            inside = inner_distances(array, spacing)
            inner = _below_rim(inside, np.ones(array.shape, bool), array, lengths)
        maps[index] = _transform(~mask, lengths)
        maps[index][mask] = inner[mask]
    return maps


def _below_rim(
    inside: Map, region: Mask, labels: NDArray[np.generic], spacing: tuple[float, ...]
) -> Map:
    """Minus the depth below the rim of the pixel's own label, for the pixels of `region`."""
    if len(set(spacing)) == 1:
        depth: Map = np.minimum(np.float32(spacing[0]) - inside, np.float32(0))
        return depth
    depth = np.zeros_like(inside)
    for label in np.unique(labels[region]):
        mask = labels == label
        rim = surface(mask, border=False)
        if not rim.any():
            continue
        nearest = ndimage.distance_transform_edt(
            ~rim, sampling=spacing, return_distances=False, return_indices=True
        )
        below = inside[tuple(nearest)] - inside
        depth[mask] = np.minimum(below[mask], np.float32(0))
    return depth


def surface(mask: ArrayLike, *, border: bool = True) -> Mask:
    """Pixels of the mask that have a neighbour outside it across a face.

    Args:
        mask: Boolean mask, (*S).
        border: Whether mask pixels on the image border count as surface, as in medpy (what lies
            beyond the image is outside) or not, as in MONAI.

    Returns:
        Boolean surface, (*S); empty for an empty mask.

    Example:
        >>> surface([[1, 1, 1, 0]]).astype(int), surface([[1, 1, 1, 0]], border=False).astype(int)
        (array([[1, 1, 1, 0]]), array([[0, 0, 1, 0]]))
    """
    array = as_mask(mask)
    inside = array.copy()
    for axis in range(array.ndim):
        view, ours = np.moveaxis(inside, axis, 0), np.moveaxis(array, axis, 0)
        view[1:] &= ours[:-1]
        view[:-1] &= ours[1:]
        if border:
            view[:1] = False
            view[-1:] = False
    return np.asarray(array & ~inside)
