"""A kernel of the box losses that detectors train most: values and gradients in one pass.

Boxes are (n, 4), float32 or float64; everything in between is float64. What a coordinate may hold,
and which corner gets which part of a gradient, is as in :mod:`seglosses.primitives._kernels_boxes`.
"""

from __future__ import annotations

import math
from typing import Any

from seglosses.primitives._kernels_boxes import _edges, _later
from seglosses.primitives._kernels_compiled import kernel

_SHAPE = 4 / math.pi**2


@kernel
def _divisor(size: Any, tiny: Any) -> Any:
    """A size to divide by: 1 where there is none; NaN stays."""
    return size if size > tiny or size != size else 1.0


@kernel
def _of_iou(iou: Any, mode: int, eps: Any) -> tuple[Any, Any]:
    """Loss of the overlap and its slope: 1 - q, 1 - q^2 or -log q."""
    if mode == 0:
        return 1.0 - iou, -1.0
    if mode == 1:
        return 1.0 - iou * iou, -2.0 * iou
    if iou <= eps:
        return _later(-math.log(eps), 0.0), 0.0
    loss = -math.log(iou)
    return (0.0, 0.0) if loss <= 0 else (loss, -1.0 / iou)


@kernel
def _of_shape(own: Any, target: Any, iou: Any, gated: bool, tiny: Any) -> tuple[Any, Any, Any]:
    """CIoU's term of (width, height) and its slopes; its weight carries none."""
    high = _divisor(own[1], tiny)
    ratio = own[0] / high
    angle = math.atan(target[0] / _divisor(target[1], tiny)) - math.atan(ratio)
    v = _SHAPE * angle * angle
    share = v / _divisor(_later(1.0 - iou, 0.0) + v, tiny)
    if gated and not iou > 0.5:
        share = 0.0
    lever = -2.0 * share * _SHAPE * angle / (1.0 + ratio * ratio) / high
    return share * v, lever, -lever * ratio if own[1] > tiny else 0.0


@kernel
def _of_angle(offset: Any, hull: Any, tiny: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Half of SIoU's distance cost; slopes of the offset and of the hull."""
    x, y = offset
    both = x * x + y * y
    total = _divisor(both, tiny)
    angle = 2.0 * abs(x * y) / total
    width, height = _divisor(hull[0] * hull[0], tiny), _divisor(hull[1] * hull[1], tiny)
    rho_x, rho_y = x * x / width, y * y / height
    left_x, left_y = math.exp((angle - 2.0) * rho_x), math.exp((angle - 2.0) * rho_y)
    loss = -0.5 * (math.expm1((angle - 2.0) * rho_x) + math.expm1((angle - 2.0) * rho_y))
    of_angle = -0.5 * (left_x * rho_x + left_y * rho_y)
    of_x, of_y = 0.5 * left_x * (2.0 - angle), 0.5 * left_y * (2.0 - angle)
    sign = 1.0 if x * y > 0 else (-1.0 if x * y < 0 else 0.0)
    shrink = 2.0 * angle / total if both > tiny else 0.0
    return (
        loss,
        of_angle * (2.0 * sign * y / total - shrink * x) + of_x * 2.0 * x / width,
        of_angle * (2.0 * sign * x / total - shrink * y) + of_y * 2.0 * y / height,
        -of_x * rho_x / width * 2.0 * hull[0] if hull[0] * hull[0] > tiny else 0.0,
        -of_y * rho_y / height * 2.0 * hull[1] if hull[1] * hull[1] > tiny else 0.0,
    )


@kernel
def _of_proportion(own: Any, target: Any, theta: Any, tiny: Any) -> tuple[Any, Any]:
    """Half of SIoU's shape cost of one side, and its slope."""
    longest = _later(own, target)
    size = _divisor(longest, tiny)
    omega = abs(target - own) / size
    miss = -math.expm1(-omega)
    slope = (1.0 if own > target else -1.0) / size
    if own > target and longest > tiny:
        slope -= omega / size
    if own == target:
        slope = 0.0
    return 0.5 * miss**theta, 0.5 * theta * miss ** (theta - 1.0) * math.exp(-omega) * slope


@kernel
def _at_edges(own: Any, inner: Any, shift: Any, behind: Any, ahead: Any) -> tuple[Any, Any]:
    """Slopes of the lower and the upper corner of a side.

    Args:
        own: Moves the corner wherever it is.
        inner: Moves it where it is the edge of the intersection (negative: of the hull).
        shift: Moves both.
        behind: How far the lower corner lies inside the target's, whose sign counts.
        ahead: The same of the upper corner.
    """
    # where corners coincide, half of it: equal boxes are at rest
    own += 0.5 * inner
    first = 0.5 * inner if behind > 0 else (-0.5 * inner if behind < 0 else 0.0)
    last = 0.5 * inner if ahead > 0 else (-0.5 * inner if ahead < 0 else 0.0)
    return -(own + first) - shift, own + last - shift


@kernel
def family(
    pred: Any,
    target: Any,
    limit: Any,
    tiny: Any,
    mode: int,
    terms: Any,
    numbers: Any,
    value: Any,
    slope: Any,
) -> None:
    """Losses (n,) and their gradients (n, 4) with respect to the predictions.

    Args:
        pred: (n, 4).
        target: (n, 4).
        limit: Largest coordinate.
        tiny: Sizes up to here are none.
        mode: Of the overlap: 0 is 1 - q, 1 is 1 - q^2, 2 is -log q.
        terms: Whether the hull, the centres, their hull (frozen), the aspect ratio, its gate and
            SIoU's two costs count.
        numbers: The smallest overlap of mode 2, and SIoU's power.
        value: (n,), written.
        slope: (n, 4), written.
    """
    hulled, centred, frozen, shaped, gated, angled = terms
    eps, theta = numbers
    for i in range(len(pred)):
        left, right = _edges(pred, i, 0, 2, limit)
        top, bottom = _edges(pred, i, 1, 2, limit)
        target_left, target_right = _edges(target, i, 0, 2, limit)
        target_top, target_bottom = _edges(target, i, 1, 2, limit)
        own = (right - left, bottom - top)
        other = (target_right - target_left, target_bottom - target_top)
        offset = (
            0.5 * ((target_left - left) + (target_right - right)),
            0.5 * ((target_top - top) + (target_bottom - bottom)),
        )
        reach_x = -_later(-right, -target_right) - _later(left, target_left)
        reach_y = -_later(-bottom, -target_bottom) - _later(top, target_top)
        common_x, common_y = _later(reach_x, 0.0), _later(reach_y, 0.0)
        common = common_x * common_y
        both = own[0] * own[1] + other[0] * other[1] - common
        whole = _divisor(both, tiny)
        iou = common / whole
        loss, of_iou = _of_iou(iou, mode, eps)
        of_union = side_x = side_y = hull_x = hull_y = move_x = move_y = 0.0
        hull = (
            _later(right, target_right) + _later(-left, -target_left),
            _later(bottom, target_bottom) + _later(-top, -target_top),
        )
        if hulled:
            area = hull[0] * hull[1]
            size = _divisor(area, tiny)
            empty = (area - both) / size
            loss += empty
            of_union -= 1.0 / size
            of_area = (1.0 - empty) / size if size == area else 1.0
            hull_x += of_area * hull[1]
            hull_y += of_area * hull[0]
        if centred:
            diagonal = hull[0] * hull[0] + hull[1] * hull[1]
            size = _divisor(diagonal, tiny)
            far = (offset[0] * offset[0] + offset[1] * offset[1]) / size
            loss += far
            move_x += 2.0 * offset[0] / size
            move_y += 2.0 * offset[1] / size
            if not frozen and diagonal > tiny:
                hull_x -= 2.0 * far / size * hull[0]
                hull_y -= 2.0 * far / size * hull[1]
        if shaped:
            term, of_width, of_height = _of_shape(own, other, iou, gated, tiny)
            loss += term
            side_x += of_width
            side_y += of_height
        if angled:
            term, of_x, of_y, of_width, of_height = _of_angle(offset, hull, tiny)
            loss += term
            move_x += of_x
            move_y += of_y
            hull_x += of_width
            hull_y += of_height
            term, of_width = _of_proportion(own[0], other[0], theta, tiny)
            loss += term
            side_x += of_width
            term, of_height = _of_proportion(own[1], other[1], theta, tiny)
            loss += term
            side_y += of_height
        share = of_iou / whole
        of_union -= share * iou
        share -= of_union
        value[i] = loss
        slope[i, 0], slope[i, 2] = _at_edges(
            own[1] * of_union + hull_x + side_x,
            (0.0 if reach_x < 0 else common_y * share) - hull_x,
            0.5 * move_x,
            left - target_left,
            target_right - right,
        )
        slope[i, 1], slope[i, 3] = _at_edges(
            own[0] * of_union + hull_y + side_y,
            (0.0 if reach_y < 0 else common_x * share) - hull_y,
            0.5 * move_y,
            top - target_top,
            target_bottom - bottom,
        )
