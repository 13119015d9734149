"""Betti matching: which component or loop of one image is which of the other."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np

from seglosses.primitives.ranges import check_range
from seglosses.topology.bars import Filtered
from seglosses.topology.filtration import (
    Construction,
    Filtration,
    check_choice,
    check_image,
    order_keys,
)
from seglosses.topology.forests import Forest
from seglosses.topology.induced import match_by_cells, match_by_edges
from seglosses.topology.kernels.replays import split_bars
from seglosses.topology.masks import as_masks, match_masks
from seglosses.topology.memory import side_by_side
from seglosses.topology.sides import Codes, Ints
from seglosses.topology.volumes import OF_VOLUMES, Way, match_volumes, threads_that_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Unpack

    from seglosses.topology.label_bars import LabelBars

ImageIntervals = Literal["all", "positive"]
Third = Literal["union", "intersection"]


class MatchingOptions(TypedDict, total=False):
    """Options of :func:`betti_matching`."""

    filtration: Filtration
    construction: Construction
    image_intervals: ImageIntervals
    relative: bool
    comparison: Third
    remembered: LabelBars | None


@dataclass(frozen=True)
class Matching:
    """Matched and unmatched bars of two images, by dimension, as flat row-major pixel indices.

    Attributes:
        matched: Birth and death in the first image, birth and death in the second, int64 (k, 4).
        unmatched_a: Birth and death of the other bars of the first image, int64 (k, 2).
        unmatched_b: The same for the second image.
        essential: Pixel of the first and of the second image at which the component that never
            dies is born. These two always belong together and are in no other attribute.
    """

    matched: tuple[NDArray[np.int64], ...]
    unmatched_a: tuple[NDArray[np.int64], ...]
    unmatched_b: tuple[NDArray[np.int64], ...]
    essential: tuple[int, int]


def betti_matching(
    a: ArrayLike,
    b: ArrayLike,
    *,
    filtration: Filtration = "superlevel",
    construction: Construction = "V",
    image_intervals: ImageIntervals = "all",
    relative: bool = False,
    comparison: Third = "union",
    threads: int | None = 1,
    remembered: LabelBars | None = None,
) -> Matching:
    """Induced matching of the barcodes of two images.

    Both images are compared with a third that contains both (their pixelwise maximum under the
    superlevel filtration): two bars are matched when they become the same feature there. Unlike a
    matching of lengths, this respects where in the image a feature is.

    Ties are broken by the flat index, exactly as in the released C++ program, so that with
    ``'V'``, ``'all'`` and ``'union'`` the result is the same to the pixel. Superlevel sets of p are
    sublevel sets of 1 - p there; the order of ties is the same.

    Args:
        a: First image, finite numbers or booleans, (H, W) or (D, H, W).
        b: Second image, of the same shape.
        filtration: ``'superlevel'`` (bright is foreground) or ``'sublevel'``.
        construction: ``'V'``: foreground 4-connected (6 in 3D). ``'T'``: 8-connected (26).
        image_intervals: ``'all'`` also matches through features that an image shows only after the
            comparison has lost them, as the released programs do; it is the default because the
            published numbers were made that way. ``'positive'`` leaves these out, as the theory
            does. The two differ only where both images are soft, or where a feature of the
            prediction lies on a wrong class of the label.
        relative: Surround each image, the third one too, with its own oldest value, so that
            background regions that touch the border become loops. A pixel of that surrounding
            stands for the oldest pixel.
        comparison: ``'union'``: the third image contains both. ``'intersection'``: both contain it.
        threads: Volumes use two threads where there are so many, None for as many as there are
            processors; the result is the same. Images need one.
        remembered: Where loops of labels of volumes are looked up and kept; None for nowhere.

    Returns:
        The matching.

    Raises:
        ValueError: For different shapes, NaN or infinities, an empty image, an unknown option, or
            fewer than one thread.
        MemoryError: Where volumes are too large for the memory that is free.

    References:
        Stucki et al., Topologically Faithful Image Segmentation via Induced Matching of Persistence
        Barcodes, ICML 2023, arXiv:2211.15272. Stucki et al., Efficient Betti Matching, 2024,
        arXiv:2407.04683.

    Example:
        >>> ring = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
        >>> broken = ring.copy()
        >>> broken[1, 2] = 0.3
        >>> betti_matching(broken, ring).matched[1].tolist()  # birth, death; birth, death
        [[5, 4, 8, 4]]
    """
    check_choice("filtration", filtration, ("superlevel", "sublevel"))
    check_choice("construction", construction, ("V", "T"))
    check_choice("image_intervals", image_intervals, ("all", "positive"))
    check_choice("comparison", comparison, ("union", "intersection"))
    threads = threads_of(threads)
    first, second = check_image(a, finite=True), check_image(b, finite=True)
    if first.shape != second.shape:
        raise ValueError(
            f"expected two images of one shape, got {first.shape} and {second.shape}; "
            "resize or crop one of them"
        )
    plain = first.ndim == 2 and comparison == "union" and not relative
    if plain and (masks := as_masks(first, second, filtration)):
        by_dimension, essential = match_masks(*masks, construction)
        mates, rest_a, rest_b = zip(*by_dimension, strict=True)
        return Matching(mates, rest_a, rest_b, essential)
    exact, union = image_intervals == "all", comparison == "union"
    if first.ndim == 2:
        keys = order_keys(first, second)
        parts, items = _match_images(keys, filtration, construction, relative, union, exact)
    else:
        threads = threads_that_fit(first, second, threads)
        way = Way(construction, relative, union, exact, threads, remembered)
        parts, items = match_volumes(order_keys(first, second), filtration, way)
    matched: list[Codes] = []
    unmatched_a: list[Codes] = []
    unmatched_b: list[Codes] = []
    for dim, found in enumerate(items):
        chosen = []
        for part, item, rest in zip(parts, found, (unmatched_a, unmatched_b), strict=True):
            mates, left = split_bars(*part.pairs(dim), item)
            chosen.append(mates)
            rest.append(left)
        matched.append(np.concatenate(chosen, axis=1))
    order = slice(None, None, -1 if construction == "T" else 1)
    return Matching(
        tuple(matched[order]),
        tuple(unmatched_a[order]),
        tuple(unmatched_b[order]),
        (parts[0].oldest, parts[1].oldest),
    )


def _match_images(
    keys: list[Ints],
    filtration: Filtration,
    construction: Construction,
    relative: bool,
    union: bool,
    exact: bool,
) -> tuple[tuple[Filtered, Filtered], list[tuple[NDArray[Any], NDArray[Any]]]]:
    """Filter two images, and match their features by dimension of the engine."""
    if filtration == "superlevel":
        keys = [~key for key in keys]
    one, two = (Filtered.of(key, construction=construction, relative=relative) for key in keys)
    joined = (np.minimum if union else np.maximum)(*keys)
    if not (one.bars and two.bars) or np.array_equal(joined, keys[0]):
        # Where nothing can be matched, any comparison says so.
        third = one
    elif np.array_equal(joined, keys[1]):
        third = two
    else:
        third = Filtered.of(joined, construction=construction, relative=relative)
    items = []
    # The duality behind 'T' turns inclusions around.
    larger = union == (construction == "V")
    for trees in zip(one.features, two.features, third.features, strict=True):
        a, b, comparison = (tree for tree in trees if isinstance(tree, Forest))
        match = match_by_cells if (comparison.side.flip != 0) == larger else match_by_edges
        items.append(match(a, b, comparison, exact=exact))
    return (one, two), items


def betti_matching_batch(
    a: Sequence[ArrayLike] | NDArray[Any],
    b: Sequence[ArrayLike] | NDArray[Any],
    *,
    threads: int | None = None,
    **options: Unpack[MatchingOptions],
) -> list[Matching]:
    """Match many pairs of images in threads; the kernels run without the GIL.

    Args:
        a: First images, a sequence or an array whose first axis counts images.
        b: Second images, as many.
        threads: Threads to use, None for as many as there are processors; one per pair, and those
            that are left over within the pairs of volumes.
        options: As of :func:`betti_matching`.

    Returns:
        One matching per pair, in order.

    Raises:
        ValueError: For different numbers of images, and whatever :func:`betti_matching` refuses.

    Example:
        >>> images = np.random.default_rng(0).random((2, 8, 8))
        >>> [len(m.unmatched_a[0]) for m in betti_matching_batch(images, images)]
        [0, 0]
    """
    if len(a) != len(b):
        raise ValueError(f"expected as many images in a as in b, got {len(a)} and {len(b)}")
    threads = threads_of(threads)
    shapes = [np.shape(image) for image in a]
    largest = max((shape for shape in shapes if len(shape) == 3), key=math.prod, default=())
    workers = max(1, min(len(a), side_by_side(largest, OF_VOLUMES[0], threads)))
    # What memory forbids between pairs it forbids within them.
    inside = threads // workers if workers in (len(a), threads) else 1

    def match(pair: tuple[ArrayLike, ArrayLike]) -> Matching:
        return betti_matching(*pair, threads=inside, **options)

    pairs = list(zip(a, b, strict=True))
    if workers == 1:
        return [match(pair) for pair in pairs]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(match, pairs))


def threads_of(threads: int | None) -> int:
    """Threads that were asked for.

    Args:
        threads: At least 1, None for as many as there are processors.

    Returns:
        Their number.

    Raises:
        ValueError: For less than one.
    """
    if threads is None:
        return available_processors()
    check_range("[1, inf)", whole=True, remedy="None uses all processors", threads=threads)
    return threads


def available_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
