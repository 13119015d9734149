# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that label the four ways in which a prediction and a label can meet (Numba, unchecked).

Codes are 2 * label + prediction: 0 correct background, 1 surplus, 2 missed, 3 correct foreground.
Arrays are flat, with a frame of code 255 on every side that neighbours may reach but never match.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.runs import root_of

FRAME = np.uint8(255)


@kernel
def label_codes(codes, steps, faces, wide):
    """Label the components of equal codes.

    Args:
        codes: uint8 (n,), framed.
        steps: Offsets of the earlier half of the full neighbourhood, int64 (k,), faces first.
        faces: How many of them are faces.
        wide: For each of the four codes, whether corners connect it, bool (4,).

    Returns:
        For every pixel the flat index of the first pixel of its component, int64 (n,).
    """
    parent = np.arange(codes.size)
    for i in range(codes.size):
        code = codes[i]
        if code == FRAME:
            continue
        reach = steps.size if wide[code] else faces
        for k in range(reach):
            j = i - steps[k]
            if codes[j] == code:
                a = root_of(parent, i)
                b = root_of(parent, j)
                if a < b:
                    parent[b] = a
                elif b < a:
                    parent[a] = b
    for i in range(codes.size):
        parent[i] = parent[parent[i]]
    return parent


@kernel
def count_neighbours(codes, roots, steps, faces, wide):
    """Count, up to two, the correct regions beside every component of errors.

    Args:
        codes: uint8 (n,), framed.
        roots: Of :func:`label_codes`, int64 (n,).
        steps: As there.
        faces: As there.
        wide: As there; errors touch a correct region over corners where that region is wide.

    Returns:
        At the root of every component of errors, how many components of correct background and of
        correct foreground it touches, 2 for more, uint8 (2, n).
    """
    first = np.full((2, codes.size), -1, np.int64)
    count = np.zeros((2, codes.size), np.uint8)
    for i in range(codes.size):
        if codes[i] != 1 and codes[i] != 2:
            continue
        root = roots[i]
        for k in range(steps.size):
            for sign in (-1, 1):
                j = i + sign * steps[k]
                code = codes[j]
                if code != 0 and code != 3:
                    continue
                if k >= faces and not wide[code]:
                    continue
                side = 0 if code == 0 else 1
                if count[side, root] == 0:
                    first[side, root] = roots[j]
                    count[side, root] = 1
                elif first[side, root] != roots[j]:
                    count[side, root] = 2
    return count
