"""What lies around the edges, squares and voxels of a padded volume, as offsets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from seglosses.topology.sides import Codes, Side, sides_3d


@dataclass(frozen=True)
class Around:
    """What lies around an edge, a square and a voxel, as offsets into the padded volume.

    Edges and squares are relative to 3 times the pixel that the name of the other one holds.

    Attributes:
        primal: Geometry of the edges.
        dual: Geometry of the squares.
        ends: The edges that can come last in a square, by normal axis and code, (3, 3).
        beside: Squares around an edge, by axis and code, (3, 4).
        star: Squares of a star, in order: offset of the pixel and normal axis, (12, 2).
        star_squares: The same as numbers of squares, (12,).
        star_corners: Their other voxels, (12, 3).
        voxels: The 18 voxels that share a square with one.
        star_needs: Which of these each square of a star has, as bits, (12,).
        star_sides: Which edges of the star they have, as bits, (12,).
        star_ends: Edges of a star, in order: offset of the pixel and axis, (6, 2).
        star_edges: The same as numbers of edges, (6,).
        table: What a reduction looks up, in one array of 96: the edges of the squares of a star,
            four each, and those of a square by normal axis, four each; pixel and bit of each square
            of a star; and, by axis and code, the bit of the square of a star that lies beside an
            edge.
    """

    primal: Side
    dual: Side
    ends: Codes
    beside: Codes
    star: Codes
    star_squares: Codes
    star_corners: Codes
    voxels: Codes
    star_needs: Codes
    star_sides: Codes
    star_ends: Codes
    star_edges: Codes
    table: Codes


@lru_cache(maxsize=8)
def around(x: int, y: int, z: int) -> Around:
    """Geometry of a volume of given padded strides."""
    step = (x, y, z)
    planes = ((1, 2), (0, 2), (0, 1))
    faces = [(u, w, 3 * step[w] + u, 3 * step[u] + w) for u, w in planes]
    ends = [(3 * step[u] + w, 3 * step[w] + u, w) for u, w in planes]
    # By axis of the edge, b < c the others: to the back along b and c, to the front along c and b.
    near = [((-step[b], c), (-step[c], b), (0, b), (0, c)) for b, c in planes]
    star = sorted(
        (3 * -(back_u * step[u] + back_w * step[w]) + normal, normal, u, back_u, w, back_w)
        for normal, (u, w) in enumerate(planes)
        for back_u in (0, 1)
        for back_w in (0, 1)
    )
    corners, sides, squares = [], [], []
    for _, normal, u, back_u, w, back_w in star:
        du, dw = (1 - 2 * back_u) * step[u], (1 - 2 * back_w) * step[w]
        corners.append((du, dw, du + dw))
        sides.append(1 << (u + 3 * (1 - back_u)) | 1 << (w + 3 * (1 - back_w)))
        squares.append((-back_u * step[u] - back_w * step[w], normal))
    voxels = sorted({offset for corner in corners for offset in corner})
    edges = [(-step[a], a) for a in range(3)] + [(0, a) for a in range(3)]
    numbers = [3 * p + t for p, t in squares]
    beside = [[3 * p + t for p, t in row] for row in near]
    table = [
        *(3 * p + face for p, t in squares for face in faces[t]),
        *(face for row in faces for face in row),
        *(p for p, _ in squares),
        *(3 + t for _, t in squares),
        *(1 << numbers.index(square) for row in beside for square in row),
    ]
    parts = (
        ends,
        beside,
        squares,
        numbers,
        corners,
        voxels,
        [sum(1 << voxels.index(offset) for offset in corner) for corner in corners],
        sides,
        edges,
        [3 * p + a for p, a in edges],
        table,
    )
    return Around(*sides_3d(x, y, z), *(np.array(part, np.int64) for part in parts))
