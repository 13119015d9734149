"""Masks of COCO files: polygons and run lengths, checked before pycocotools' C code reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.coco_numbers import FARTHEST, is_near

Size = tuple[int, int]

MOST_PIXELS = 2**31
"""Of an image; more do not fit into the run lengths of pycocotools' C code."""


def codec() -> Any:
    """Pycocotools' functions of masks, or those of faster-coco-eval, which has the same.

    Raises:
        ValueError: when neither is installed.
    """
    try:
        from pycocotools import mask
    except ImportError:
        try:
            from faster_coco_eval import mask
        except ImportError:
            raise ValueError(
                "COCO files need pycocotools or faster-coco-eval: pip install 'seglosses[coco]'"
            ) from None
    return mask


def has_mask(row: Mapping[str, Any]) -> bool:
    """Whether an annotation says which pixels it has; an empty list says: none."""
    return row.get("segmentation") is not None


def stated_size(segmentation: Any) -> Size | None:
    """Height and width that run lengths state; None for polygons and for what is not legal."""
    if not isinstance(segmentation, Mapping):
        return None
    size = segmentation.get("size")
    if not isinstance(size, list | tuple) or len(size) != 2:
        return None
    fine = all(isinstance(side, int) and side > 0 for side in size)
    return (size[0], size[1]) if fine else None


def extent(segmentation: Any) -> Size:
    """Height and width of the smallest image that holds all corners of legal polygons.

    Example:
        >>> extent([[0, 0, 4.5, 0, 4.5, 3]])
        (3, 5)
    """
    if not isinstance(segmentation, list):
        return (1, 1)
    height = max((max(polygon[1::2]) for polygon in segmentation), default=1)
    width = max((max(polygon[::2]) for polygon in segmentation), default=1)
    return max(1, math.ceil(height)), max(1, math.ceil(width))


def check_polygons(segmentation: Any, place: str) -> None:
    """Raise ``ValueError`` for a list that is no list of polygons.

    Args:
        segmentation: What stands in the file; run lengths pass.
        place: Where, for the message.

    Raises:
        ValueError: naming the polygon.

    Example:
        >>> check_polygons([[0, 0, 4, 4]], "annotations[3].segmentation of gt.json")
        Traceback (most recent call last):
        ValueError: annotations[3].segmentation of gt.json: expected polygons of at least three
        corners, [x, y, x, y, x, y, ...], finite numbers up to 1,000,000; polygon 0 is [0, 0, 4, 4];
        correct it, or remove it
    """
    if not isinstance(segmentation, list):
        return
    for number, polygon in enumerate(segmentation):
        legal = isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
        if not legal or not all(is_near(x) for x in polygon):
            shown = str(polygon)
            remedy = "correct it, or remove it"
            if isinstance(polygon, Real):
                remedy = "put the polygon into a list of its own: [[x, y, ...]]"
            raise ValueError(
                f"{place}: expected polygons of at least three corners, [x, y, x, y, x, y, ...],"
                f" finite numbers up to {FARTHEST:,.0f}; polygon {number} is"
                f" {shown if len(shown) < 80 else shown[:77] + '...'}; {remedy}"
            )


def run_length_mask(segmentation: Any, size: Size | None, place: str) -> dict[str, Any]:
    """Compressed run lengths of any legal segmentation.

    Args:
        segmentation: Polygons, run lengths as a list, or compressed ones.
        size: Height and width of the image; None where only run lengths know it.
        place: Where it stands, for messages.

    Returns:
        ``size`` and ``counts``, as pycocotools wants them.

    Raises:
        ValueError: for anything else, with the place and what to do.
    """
    if isinstance(segmentation, list):
        check_polygons(segmentation, place)
        assert size is not None
        if not segmentation:
            return _packed([size[0] * size[1]], size)
        mask: dict[str, Any] = codec().merge(codec().frPyObjects(segmentation, *size))
        return mask
    own = stated_size(segmentation)
    if own is None or "counts" not in segmentation:
        raise ValueError(
            f"{place}: expected a list of polygons, or run lengths {{'size': [height, width],"
            f" 'counts': ...}}, got {str(segmentation)[:60]!r}; convert it, or remove it"
        )
    if size is not None and own != size:
        raise ValueError(
            f"{place}: its size is {own[0]} x {own[1]} (height x width), the image's is"
            f" {size[0]} x {size[1]}; resize the mask to the image, or correct the image's size"
        )
    runs = _runs(segmentation["counts"])
    if runs is None or runs.min(initial=0) < 0 or runs.sum() != own[0] * own[1]:
        raise ValueError(
            f"{place}: the run lengths do not add up to the {own[0] * own[1]} pixels of a mask of"
            f" {own[0]} x {own[1]}; write the mask again"
        )
    if isinstance(segmentation["counts"], list):
        return _packed([int(run) for run in runs], own)
    return {"size": list(own), "counts": segmentation["counts"]}


def _packed(runs: list[int], size: Size) -> dict[str, Any]:
    mask: dict[str, Any] = codec().frPyObjects({"size": list(size), "counts": runs}, *size)
    return mask


def _runs(counts: Any) -> NDArray[np.int64] | None:
    """The lengths, None where they are none: C code reads them without asking."""
    if isinstance(counts, list):
        fine = all(isinstance(run, int) and not isinstance(run, bool) for run in counts)
        return np.asarray(counts, np.int64) if fine else None
    if isinstance(counts, str):
        counts = counts.encode("ascii", "replace")
    if not isinstance(counts, bytes) or not counts:
        return None
    # six bits a character, five of them a digit to the base of 32, the sixth: another follows
    digits = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    if digits.min() < 0 or digits.max() > 63 or digits[-1] & 32:
        return None
    last = np.flatnonzero((digits & 32) == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    if (last - first).max() > 9:
        return None
    place = np.arange(len(digits)) - np.repeat(first, last - first + 1)
    values = np.add.reduceat((digits & 31) << (5 * place), first)
    # the highest of the five bits is the sign
    values -= np.where(digits[last] & 16, np.int64(1) << (5 * (last - first + 1)), 0)
    # from the fourth on they are differences to the one before the last
    runs: list[int] = []
    for index, value in enumerate(values.tolist()):
        runs.append(value + runs[index - 2] if index > 2 else value)
    return np.asarray(runs, np.int64)
