"""Kernels that measure pairs of boxes, and bring gradients back from the measures to the corners.

Boxes are (n, 2 d), of any number of dimensions d. The rows of a table of measures are, each of n
numbers: sides, target's sides, offsets between centres and sides of the hull (d rows each), then
common volume, union, and intersection over union.
"""

from __future__ import annotations

from typing import Any

from seglosses.primitives._kernels_compiled import kernel


@kernel
def _held(x: Any, limit: Any) -> Any:
    """A coordinate within its limit; NaN stays."""
    if x > limit:
        return limit
    return -limit if x < -limit else x


@kernel
def _later(a: Any, b: Any) -> Any:
    """The larger one; NaN where either is."""
    return a if a > b or a != a else b


@kernel
def _edges(boxes: Any, i: int, k: int, dims: int, limit: Any) -> tuple[Any, Any]:
    """Lower and upper corner of a side; an inverted one is empty, at its lower corner."""
    lower = _held(boxes[i, k], limit)
    return lower, _later(_held(boxes[i, dims + k], limit), lower)


@kernel
def measure(pred: Any, target: Any, limit: Any, tiny: Any, table: Any) -> None:
    """Fill the table (4 d + 3, n) of measures; ``limit`` and ``tiny`` are of the boxes' type."""
    dims = pred.shape[1] // 2
    for i in range(len(pred)):
        own = target_own = common = limit / limit
        for k in range(dims):
            lower, upper = _edges(pred, i, k, dims, limit)
            target_lower, target_upper = _edges(target, i, k, dims, limit)
            side, target_side = upper - lower, target_upper - target_lower
            table[k, i], table[dims + k, i] = side, target_side
            gap = (target_lower - lower) + (target_upper - upper)
            table[2 * dims + k, i] = gap / 2
            first, last = -_later(-lower, -target_lower), _later(upper, target_upper)
            table[3 * dims + k, i] = last - first
            reach = -_later(-upper, -target_upper) - _later(lower, target_lower)
            own *= side
            target_own *= target_side
            common *= _later(reach, 0 * limit)
        both = own + target_own - common
        table[4 * dims, i], table[4 * dims + 1, i] = common, both
        table[4 * dims + 2, i] = common / (both if both > tiny or both != both else 1)


@kernel
def _product_but(values: Any, k: int) -> Any:
    """Product of all but one: the derivative of a volume by a side."""
    total = values[0] if k else values[0] * 0 + 1
    for j in range(1, len(values)):
        total = total * values[j] if j != k else total
    return total


@kernel
def chain(
    pred: Any,
    target: Any,
    limit: Any,
    tiny: Any,
    table: Any,
    slopes: Any,
    given: Any,
    scratch: Any,
    out: Any,
) -> None:
    """Gradient (n, 2 d) of the corners.

    Args:
        pred: (n, 2 d).
        target: (n, 2 d).
        limit: Largest coordinate.
        tiny: Volumes up to here are none.
        table: What :func:`measure` filled.
        slopes: Gradients of the rows of the table.
        given: Whether there are gradients of the sides, offsets, hull, common, union, ratio; rows
            without one hold anything.
        scratch: (2, d).
        out: (n, 2 d), written.
    """
    dims = pred.shape[1] // 2
    sides, overlaps = scratch[0], scratch[1]
    nothing = 0 * limit
    of_side, of_offset, of_hull, of_common, of_union, of_ratio = given
    for i in range(len(pred)):
        both, iou = table[4 * dims + 1, i], table[4 * dims + 2, i]
        common = slopes[4 * dims, i] if of_common else nothing
        union = slopes[4 * dims + 1, i] if of_union else nothing
        if of_ratio:
            share = slopes[4 * dims + 2, i] / (both if both > tiny or both != both else 1)
            common += share
            union -= share * iou
        common -= union
        for k in range(dims):
            lower, upper = _edges(pred, i, k, dims, limit)
            target_lower, target_upper = _edges(target, i, k, dims, limit)
            sides[k] = table[k, i]
            reach = -_later(-upper, -target_upper) - _later(lower, target_lower)
            overlaps[k] = _later(reach, nothing)
        for k in range(dims):
            lower, upper = _edges(pred, i, k, dims, limit)
            target_lower, target_upper = _edges(target, i, k, dims, limit)
            reach = -_later(-upper, -target_upper) - _later(lower, target_lower)
            # own moves the corner wherever it is; inner the edge of the intersection, or
            # (negative) that of the hull, whichever this corner is
            own = _product_but(sides, k) * union
            # boxes apart share nothing wherever a side moves; a side of no length inside the
            # target, as ReLUs on distances give, shares more as soon as it has one
            inner = nothing if reach < 0 else _product_but(overlaps, k) * common
            if of_hull:
                inner -= slopes[3 * dims + k, i]
                own += slopes[3 * dims + k, i]
            if of_side:
                own += slopes[k, i]
            # where corners coincide, half of it: equal boxes are at rest
            ahead = (target_upper > upper) - (target_upper < upper)
            behind = (lower > target_lower) - (lower < target_lower)
            shift = slopes[2 * dims + k, i] / 2 if of_offset else nothing
            out[i, dims + k] = own + inner / 2 + ahead * inner / 2 - shift
            out[i, k] = -(own + inner / 2 + behind * inner / 2) - shift
