"""Rotated boxes compared pair by pair: overlap, enclosing box, and the boxes as Gaussians.

A box is (x, y, w, h, angle): centre, sides and an angle in radians that turns the first side from
the x axis towards the y axis, clockwise on a screen, where y points down. This is the box of
MMRotate under each of its conventions ('le90', 'le135', 'oc'), which differ in the range of the
angle alone; nothing here depends on that range, and (w, h, angle) is the same box as
(h, w, angle + pi / 2). Every loss of rotated boxes is a short reading of one
:class:`RotatedComparison`.

The overlap is exact, needs neither sorted corners nor cases, and works on every device. In the
frame of the target, whose half sides are a and b, the map that clamps a point to the target carries
the outline of the prediction to a curve around the intersection, so that by Green's theorem

    intersection = sum over edges of  integral of clamp(x, -a, a) d clamp(y, -b, b)

Each edge is a line, so the integral is that of a clamped line, in closed form; it is continuous
where corners touch edges and where edges coincide, and autograd reads the exact gradient off it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.primitives.boxes import TINY, positive
from seglosses.primitives.measured import measured

#: Sides up to here have areas whose squares float32 can hold.
LIMIT = 1e9


class RotatedComparison:
    """What there is to know about pairs of rotated boxes; each quantity is measured once.

    Everything is measured from the centre of the target and along its sides, so that boxes far
    from the origin keep their digits. A negative side is an empty one.

    Args:
        pred: Boxes (n, 5).
        target: Boxes (n, 5).

    Raises:
        ValueError: for other shapes.

    Example:
        >>> square = torch.tensor([[0.0, 0, 2, 2, 0]])
        >>> turned = torch.tensor([[0.0, 0, 2, 2, torch.pi / 4]])
        >>> pair = RotatedComparison(turned, square)  # an octagon: 8 (sqrt(2) - 1)
        >>> pair.intersection, pair.iou
        (tensor([3.3137]), tensor([0.7071]))
    """

    def __init__(self, pred: Tensor, target: Tensor) -> None:
        if pred.shape != target.shape or pred.dim() != 2 or pred.shape[1] != 5:
            raise ValueError(
                "expected rotated boxes (n, 5) as (x, y, w, h, angle) beside each other, got"
                f" {tuple(pred.shape)} and {tuple(target.shape)}"
            )
        self.side = pred[:, 2:4].clamp(0, LIMIT)
        self.target_side = target[:, 2:4].clamp(0, LIMIT)
        self.turn = pred[:, 4] - target[:, 4]
        move = (pred[:, :2] - target[:, :2]).clamp(-LIMIT, LIMIT)
        cos, sin = target[:, 4].cos(), target[:, 4].sin()
        #: From the centre of the target to that of the prediction, along the sides of the target.
        self.offset = torch.stack(
            [cos * move[:, 0] + sin * move[:, 1], cos * move[:, 1] - sin * move[:, 0]], 1
        )

    @measured
    def corners(self) -> Tensor:
        """Corners of the prediction in the frame of the target, (n, 4, 2), in turn."""
        half = self.side / 2
        cos, sin = self.turn.cos(), self.turn.sin()
        first = torch.stack([half[:, 0] * cos, half[:, 0] * sin], 1)
        second = torch.stack([-half[:, 1] * sin, half[:, 1] * cos], 1)
        arms = torch.stack([first + second, second - first, -first - second, first - second], 1)
        return self.offset[:, None] + arms

    @measured
    def area(self) -> Tensor:
        """Area of the prediction."""
        return self.side.prod(1)

    @measured
    def target_area(self) -> Tensor:
        """Area of the target."""
        return self.target_side.prod(1)

    @measured
    def intersection(self) -> Tensor:
        """Common area."""
        start = self.corners
        return _clamped_area(start, start.roll(-1, 1), self.target_side[:, None] / 2)

    @measured
    def union(self) -> Tensor:
        """Area of either."""
        return self.area + self.target_area - self.intersection

    @measured
    def iou(self) -> Tensor:
        """Intersection over union; 0 where neither box has an area."""
        return self.intersection / positive(self.union)

    @measured
    def hull(self) -> Tensor:
        """Sides of the smallest box along the sides of the target that holds both, (n, 2).

        It is the hull of straight boxes where both angles are equal.
        """
        half = self.target_side / 2
        upper = torch.maximum(self.corners.amax(1), half)
        return upper - torch.minimum(self.corners.amin(1), -half)


def _clamped_area(start: Tensor, end: Tensor, half: Tensor) -> Tensor:
    """Area that polygons (n, k, 2) have in common with boxes of half sides (n, 1, 2) around 0."""
    low, high = torch.maximum(start, -half), torch.maximum(end, -half)
    low, high = torch.minimum(low, half), torch.minimum(high, half)
    # the part of each edge between the lines y = -b and y = b
    first, last = _parts(start[..., 1], end[..., 1], low[..., 1], high[..., 1])
    run = end[..., 0] - start[..., 0]
    x0, x1 = start[..., 0] + first * run, start[..., 0] + last * run
    a = half[..., 0]
    X0 = torch.minimum(torch.maximum(x0, -a), a)
    X1 = torch.minimum(torch.maximum(x1, -a), a)
    # of it the part between x = -a and x = a; before and after, the clamped line is level
    enter, leave = _parts(x0, x1, X0, X1)
    mean = X0 * enter + (X0 + X1) / 2 * (leave - enter) + X1 * (1 - leave)
    # corners go around with x towards y, so the area is positive
    return (mean * (high[..., 1] - low[..., 1])).sum(1).clamp(min=0)


def _parts(start: Tensor, end: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Fractions of a line at which its clamped form leaves ``low`` and reaches ``high``."""
    run = end - start
    level = run.abs() < TINY
    run = torch.where(level, 1.0, run)
    # a line that lies outside as a whole, nearly level, would have fractions of millions
    first = torch.where(level, 0.0, (low - start) / run).clamp(0, 1)
    return first, torch.where(level, 1.0, (high - start) / run).clamp(0, 1)


class GaussianPair:
    """Rotated boxes as Gaussians: the centre as mean, the sides as deviations along them.

    Deviations are ``scale`` times the sides: 1/2 in the losses of Yang et al., 1 / sqrt(12), that
    of a uniform distribution over the box, in ProbIoU. Sides below ``least`` count as ``least``,
    since a Gaussian without width has no density. Of the two names of a box, (w, h, angle) and
    (h, w, angle + pi / 2), the prediction gets the one that is turned by 45 degrees at most, so
    that equal boxes have equal numbers and every difference below is exactly zero for them.

    Args:
        pred: Boxes (n, 5).
        target: Boxes (n, 5).
        scale: Deviations in sides.
        least: Smallest side, in pixels.

    Attributes:
        offset: From the centre of the target to that of the prediction, along the target, (n, 2).
        deviation: Of the prediction along its own sides, (n, 2).
        target_deviation: Of the target, (n, 2).

    Example:
        >>> tall = torch.tensor([[0.0, 0, 2, 4, 0]])
        >>> flat = torch.tensor([[0.0, 0, 2, 4, torch.pi / 2]])
        >>> pair = GaussianPair(flat, tall)
        >>> pair.deviation, pair.target_deviation, pair.covariance
        (tensor([[2., 1.]]), tensor([[1., 2.]]), tensor([[4., 0., 1.]]))
    """

    def __init__(
        self, pred: Tensor, target: Tensor, *, scale: float = 0.5, least: float = 1e-3
    ) -> None:
        pair = RotatedComparison(pred, target)
        self.offset = pair.offset
        side = scale * pair.side.clamp(min=least)
        self.target_deviation = scale * pair.target_side.clamp(min=least)
        quarter = (pair.turn / (torch.pi / 2)).round()
        self._turn = pair.turn - quarter * (torch.pi / 2)
        swapped = (quarter.remainder(2) == 1)[:, None]
        self.deviation = torch.where(swapped, side.flip(1), side)

    @measured
    def tilt(self) -> Tensor:
        """What the angle adds to squares: sin^2 (a^2 - b^2) (c^2 - d^2), (n,).

        a, b are the deviations of the target and c, d those of the prediction.
        """
        spread, target_spread = (
            (each[:, 0] - each[:, 1]) * each.sum(1)
            for each in (self.deviation, self.target_deviation)
        )
        return self._turn.sin().square() * spread * target_spread

    @measured
    def change(self) -> Tensor:
        """Differences of the deviations, (n, 2)."""
        return self.deviation - self.target_deviation

    @measured
    def volume(self) -> Tensor:
        """Product of the prediction's deviations."""
        return self.deviation.prod(1)

    @measured
    def target_volume(self) -> Tensor:
        """Product of the target's deviations."""
        return self.target_deviation.prod(1)

    @measured
    def covariance(self) -> Tensor:
        """Covariance of the prediction in the frame of the target: xx, xy, yy, (n, 3)."""
        square = self.deviation.square()
        mean, half = square.mean(1), (square[:, 0] - square[:, 1]) / 2
        cos, sin = (2 * self._turn).cos(), (2 * self._turn).sin()
        return torch.stack([mean + half * cos, half * sin, mean - half * cos], 1)

    @measured
    def joint_det(self) -> Tensor:
        """Determinant of the sum of both covariances."""
        squares = self.deviation.square() + self.target_deviation.square()
        return squares.prod(1) + self.tilt

    @measured
    def own_distance(self) -> Tensor:
        """Squared distance of the centres in deviations of the prediction."""
        cos, sin = self._turn.cos(), self._turn.sin()
        x, y = self.offset.unbind(1)
        along = torch.stack([cos * x + sin * y, cos * y - sin * x], 1)
        return (along / self.deviation).square().sum(1)

    @measured
    def joint_distance(self) -> Tensor:
        """Squared distance of the centres under the sum of both covariances."""
        xx, xy, yy = self.covariance.unbind(1)
        a2, b2 = self.target_deviation.square().unbind(1)
        # divided before they are multiplied: squares of far boxes leave float32
        det, (x, y) = self.joint_det, self.offset.unbind(1)
        return x * ((yy + b2) / det * x - xy / det * y) + y * ((xx + a2) / det * y - xy / det * x)
