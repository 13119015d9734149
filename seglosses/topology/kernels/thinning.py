# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Lee's thinning of volumes (Numba, no bounds checks).

A neighbourhood is a code of 26 bits, the neighbours in raster order. What a test of a voxel says
depends on its code alone, so that a voxel which has failed is looked at again only after one of its
neighbours has gone.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from seglosses.primitives._kernels_compiled import kernel, trailing_zeros

Step = tuple[int, ...]

_AROUND = [step for step in product((-1, 0, 1), repeat=3) if any(step)]


def _codes(related: Callable[[Step, Step], bool]) -> NDArray[np.int64]:
    """The code of the neighbours that are related to each neighbour."""
    return np.array(
        [sum(1 << k for k, one in enumerate(_AROUND) if related(one, other)) for other in _AROUND],
        np.int64,
    )


#: the neighbours that touch each neighbour, and itself
_TOUCHING = _codes(lambda a, b: max(abs(x - y) for x, y in zip(a, b, strict=True)) <= 1)
#: the neighbours that share each corner, edge and face of the voxel, and what such a cell counts
_CELLS = _codes(lambda a, b: all(y in (0, x) for x, y in zip(b, a, strict=True)))
_COUNTS = np.array([(-1) ** (3 - sum(map(abs, step))) for step in _AROUND], np.int64)


@kernel
def _neighbours(mask, i, around):
    code = np.int64(0)
    for k in range(26):
        code |= np.int64(mask[i + around[k]]) << k
    return code


@kernel
def _keeps_euler(code):
    """Whether the Euler number stays when the voxel goes: its own cells, the cube's too, cancel."""
    own = -1
    for k in range(26):
        if not code & _CELLS[k]:
            own += _COUNTS[k]
    return own == 0


@kernel
def _is_whole(code):
    """Whether all neighbours hang together, or there are none."""
    reached = code & -code
    todo = reached
    while todo:
        k = trailing_zeros(np.uint64(todo))
        todo &= todo - 1
        more = _TOUCHING[k] & code & ~reached
        reached |= more
        todo |= more
    return reached == code


@kernel
def thin(mask, places, around, faces):
    """Thin a volume as scikit-image does by Lee's method, bit by bit.

    Voxels that bound the mask on one side go together if each keeps the Euler number and the
    components around it and is no end of a line; before one goes it is asked once more whether the
    components around it stay one. Blocks with even sides may vanish that way.

    Args:
        mask: 0 and 1, uint8 (n,), framed by one voxel of background; changed in place.
        places: Where it is 1, in raster order, int64 (m,); changed in place.
        around: Offsets of the 26 neighbours in raster order, int64 (26,).
        faces: Offsets of the neighbour on each side, in the order of the sides, int64.

    Returns:
        How many components have vanished.
    """
    vanished = 0
    stale = np.zeros(mask.size, np.uint8)
    for i in places:
        stale[i] = 63
    chosen = np.empty(places.size, np.int64)
    left = places.size
    gone = True
    while gone:
        gone = False
        for side in range(faces.size):
            bit = np.uint8(1 << side)
            count = 0
            kept = 0
            for n in range(left):
                i = places[n]
                if not mask[i]:
                    continue
                places[kept] = i
                kept += 1
                if not stale[i] & bit:
                    continue
                stale[i] &= ~bit
                if mask[i + faces[side]]:
                    continue
                code = _neighbours(mask, i, around)
                # an end of a line has one neighbour
                if code & (code - 1) and _keeps_euler(code) and _is_whole(code):
                    chosen[count] = i
                    count += 1
            left = kept
            for n in range(count):
                i = chosen[n]
                code = _neighbours(mask, i, around)
                if _is_whole(code):
                    mask[i] = 0
                    gone = True
                    vanished += not code
                    for k in range(26):
                        stale[i + around[k]] = 63
    return vanished
