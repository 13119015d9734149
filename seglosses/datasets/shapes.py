"""Smooth-edged shapes on a canvas: strokes, rectangles, leaves and twigs.

Coordinates (x, y) are fractions of the shorter side of the image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Map = NDArray[np.float64]
Points = NDArray[np.float64]

_FINER = 2
"""Shapes are drawn this much finer and averaged, so that their edges are smooth."""


class Canvas:
    """A grey drawing the size of an image; coordinates are fractions of its shorter side."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.unit = min(shape) * _FINER
        self.picture = Image.new("L", (shape[1] * _FINER, shape[0] * _FINER))
        self.draw = ImageDraw.Draw(self.picture)

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in points * self.unit]

    def polygon(self, points: Points) -> None:
        """Fill a polygon.

        Args:
            points: Corners, (n, 2).
        """
        self.draw.polygon(self._pixels(points), fill=255)

    def stroke(self, points: Points, width: float) -> None:
        """Draw a path with round ends.

        Args:
            points: The path, (n, 2).
            width: Of the stroke, in the unit of the points.
        """
        thick = max(1, round(width * self.unit))
        path = self._pixels(points)
        self.draw.line(path, fill=255, width=thick, joint="curve")
        for x, y in (path[0], path[-1]):
            half = thick / 2
            self.draw.ellipse((x - half, y - half, x + half, y + half), fill=255)

    def cover(self) -> Map:
        """Share of each pixel that is drawn on, (H, W) in [0, 1].

        Returns:
            An array of floats.

        Example:
            >>> canvas = Canvas((2, 4))
            >>> canvas.polygon(np.array([[-1, -1], [0.75, -1], [0.75, 2], [-1, 2]]))
            >>> canvas.cover().shape, float(canvas.cover()[0, 0]), float(canvas.cover()[0, 3])
            ((2, 4), 1.0, 0.0)
        """
        fine = np.asarray(self.picture, np.float64) / 255
        height, width = self.shape
        share: Map = fine.reshape(height, _FINER, width, _FINER).mean((1, 3))
        return share


def extent_of(shape: tuple[int, int]) -> Points:
    """Width and height in units of the shorter side.

    Args:
        shape: Height and width, pixels.

    Returns:
        Two numbers, the smaller one 1.

    Example:
        >>> extent_of((100, 150))
        array([1.5, 1. ])
    """
    return np.asarray(shape[::-1]) / min(shape)


def curve(points: Points, steps: int = 12) -> Points:
    """Smooth path through points (Catmull-Rom).

    Args:
        points: Places on the path, (n, 2).
        steps: Points a piece.

    Returns:
        Points of the path, ((n - 1) * steps, 2).

    Example:
        >>> curve(np.array([[0.0, 0.0], [1.0, 2.0]]), steps=3)  # a straight line
        array([[0. , 0. ],
               [0.5, 1. ],
               [1. , 2. ]])
    """
    padded = np.concatenate((points[:1], points, points[-1:]))
    t = np.linspace(0.0, 1.0, steps)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        bend = (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
        pieces.append(b + 0.5 * ((c - a) * t + bend))
    return np.concatenate(pieces)


def rectangle(center: Points, size: tuple[float, float], turn: float) -> Points:
    """Corners of a turned rectangle.

    Args:
        center: Its middle, (2,).
        size: Width and height.
        turn: Angle, radians.

    Returns:
        Corners, (4, 2).

    Example:
        >>> rectangle(np.array([1.0, 1.0]), (2.0, 1.0), 0.0).tolist()
        [[0.0, 0.5], [2.0, 0.5], [2.0, 1.5], [0.0, 1.5]]
    """
    x, y = size[0] / 2, size[1] / 2
    corners = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    turned: Points = center + (corners[:, :1] * spin[0] + corners[:, 1:] * spin[1])
    return turned


def leaf_outline(tip: Points, length: float, turn: float) -> Points:
    """Outline of a leaf that starts at ``tip``.

    Args:
        tip: Where it starts, (2,).
        length: From there to its end.
        turn: Direction, radians.

    Returns:
        Points around it, (18, 2).

    Example:
        >>> outline = leaf_outline(np.array([0.0, 0.0]), 1.0, 0.0)
        >>> outline.shape, outline[:, 0].min(), outline[:, 0].max()
        ((18, 2), np.float64(0.0), np.float64(1.0))
    """
    along = np.linspace(0.0, 1.0, 9)
    half = 0.22 * length * np.sin(np.pi * along**0.8)
    outline = np.concatenate(
        (np.stack((along * length, half), 1), np.stack((along * length, -half), 1)[::-1])
    )
    forward = np.array([np.cos(turn), np.sin(turn)])
    sideways = np.array([-forward[1], forward[0]])
    leaf: Points = tip + outline[:, :1] * forward + outline[:, 1:] * sideways
    return leaf


def draw_twig(canvas: Canvas, rng: np.random.Generator, leaves: int) -> None:
    """A bent branch that reaches in from beyond the frame, with leaves.

    Args:
        canvas: What to draw on.
        rng: Draws place and size.
        leaves: Number of leaves.
    """
    extent = extent_of(canvas.shape)
    start = rng.uniform(-0.05, 1.05, 2) * extent
    start[rng.integers(2)] = -0.05 if rng.random() < 0.3 else extent.max()
    goal = rng.uniform(0.2, 0.8, 2) * extent
    middle = (start + goal) / 2 + rng.uniform(-0.15, 0.15, 2)
    path = curve(np.stack((start, middle, goal)), 16)
    canvas.stroke(path, 0.008)
    length = rng.uniform(0.06, 0.15)
    for at in rng.integers(len(path) // 5, len(path), leaves):
        offset = rng.normal(0.0, 0.03, 2)
        size = length * rng.uniform(0.6, 1.3)
        canvas.polygon(leaf_outline(path[at] + offset, size, rng.uniform(0, 2 * np.pi)))
