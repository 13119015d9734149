"""Bars of batches as tensors: barcodes come from NumPy as pixel indices, torch gathers the values.

All indices come in one table, see :mod:`seglosses.primitives.host`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.primitives.host import host_function, host_table
from seglosses.topology import betti_numbers, persistence
from seglosses.topology.filtration import Construction

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class Bars(NamedTuple):
    """Bars of the superlevel sets of a batch of maps, and which of them the label has.

    Example:
        >>> maps, label = torch.tensor([[[[0.9, 0.1, 0.6]]]]), torch.tensor([[[[1, 0, 0]]]])
        >>> bars = find_bars(maps, label > 0, "highest")
        >>> bars.birth, bars.death, bars.kept
        (tensor([0.9000, 0.6000]), tensor([0.0000, 0.1000]), tensor([ True, False]))
    """

    birth: Tensor  #: value at which the bar begins, (b,)
    death: Tensor  #: value at which it ends, 0 for the component that never dies, (b,)
    kept: Tensor  #: whether the label has the structure, bool (b,)
    lost: Tensor  #: whether this is no bar but a structure of the label that has none, bool (b,)
    row: Tensor  #: which map (of N K) it belongs to, (b,)

    def total(self, cost: Tensor, maps: Tensor, missing: float) -> Tensor:
        """Sum of costs (b,), ``missing`` for a structure without a bar, by image and class."""
        rows = cost.new_zeros((maps.shape[0] * maps.shape[1],))
        rows = rows.index_add(0, self.row, torch.where(self.lost, missing, cost))
        # NaN came to nothing in the filtration; here it comes back, for a GradScaler to see
        return rows.view(maps.shape[:2]) + 0 * maps.flatten(2).sum(2)


#: Which bars the label's structures take first, by births and deaths (b, 2); the least come first.
ORDERS: dict[str, Callable[[Array], Array]] = {
    "highest": lambda values: -values[:, 0],
    "longest": lambda values: values[:, 1] - values[:, 0],
    # what keeping a bar costs more than removing it
    "cheapest": lambda values: (
        (1 - values[:, 0]) ** 2 + values[:, 1] ** 2 - (values[:, 0] - values[:, 1]) ** 2 / 2
    ),
}


def find_bars(
    maps: Tensor,
    wanted: Tensor | tuple[int, ...],
    order: str,
    *,
    window: int | None = None,
    construction: Construction = "T",
    min_length: float = 0.0,
) -> Bars:
    """Bars of every map, window by window, those of the label first by ``order``.

    Args:
        maps: (N, K, *S) in [0, 1].
        wanted: The label's masks, boolean (N, K, *S), or its Betti numbers.
        order: One of :data:`ORDERS`; the label's structures take the first.
        window: Side of the windows, pixels; ``None`` for the whole map. The last ones are smaller.
        construction: 'T': the foreground is 8-connected (26 in 3D); 'V': 4-connected (6).
        min_length: Shorter bars are noise and cost nothing.

    Returns:
        :class:`Bars`; births and deaths carry the gradient.

    Example:
        >>> find_bars(torch.zeros(1, 1, 4, 4), (2, 0), "highest").lost
        tensor([False,  True])
    """
    masks = [wanted] if isinstance(wanted, Tensor) else []
    table = host_table(
        _table,
        maps,
        *masks,
        columns=4,
        options=dict(
            numbers=None if masks else wanted,
            order=order,
            window=window,
            construction=construction,
            min_length=min_length,
        ),
    )
    birth, death, row, kind = table.unbind(1)
    flat = maps.flatten()
    # a component that never dies ends at 0, which no pixel holds
    ends = torch.where(death >= 0, flat.index_select(0, death.clamp(min=0)), 0.0)
    return Bars(flat.index_select(0, birth), ends, kind == _KEPT, kind == _LOST, row)


_SURPLUS, _KEPT, _LOST = range(3)


@host_function
def _table(
    maps: Array,
    masks: NDArray[np.bool_] | None = None,
    *,
    numbers: tuple[int, ...] | None,
    order: str,
    window: int | None,
    construction: Construction,
    min_length: float,
) -> Index:
    """Birth and death (-1 for never) as places in the batch, map, and kind, (b, 4)."""
    shape = maps.shape[2:]
    images = maps.reshape(-1, *shape)
    labels = None if masks is None else masks.reshape(-1, *shape)
    connectivity = {"T": (8, 26), "V": (4, 6)}[construction][len(shape) - 2]
    found = [np.zeros((0, 4), np.int64)]
    flat = np.arange(math.prod(shape)).reshape(shape)
    for row, image in enumerate(images):
        start = row * image.size
        for part in windows(shape, window):
            if labels is None:
                assert numbers is not None
                wanted = numbers
            else:
                wanted = betti_numbers(labels[row][part], connectivity=connectivity)
            bars = _window_bars(image[part], flat[part].ravel(), construction, min_length)
            for (pairs, values), number in zip(bars, wanted, strict=True):
                kind = np.full(len(pairs), _SURPLUS)
                kind[np.argsort(ORDERS[order](values), kind="stable")[:number]] = _KEPT
                places = np.where(pairs >= 0, pairs + start, -1)
                found.append(np.column_stack([places, np.full(len(pairs), row), kind]))
                lost = np.array([[start, -1, row, _LOST]])
                found.append(np.repeat(lost, max(number - len(pairs), 0), axis=0))
    return np.concatenate(found)


def windows(
    shape: tuple[int, ...], side: int | tuple[int, ...] | None
) -> Iterator[tuple[slice, ...]]:
    """Places of adjacent windows, row by row; those at the far ends are smaller.

    Args:
        shape: Of the map.
        side: Of the windows, one number or one for each axis; ``None`` for the whole map.

    Example:
        >>> list(windows((2, 3), 2))
        [(slice(0, 2, None), slice(0, 2, None)), (slice(0, 2, None), slice(2, 4, None))]
        >>> len(list(windows((2, 4, 4), (1, 4, 2))))
        4

    Raises:
        ValueError: for another number of sides than axes.
    """
    sides = sides_of(side, shape)
    steps = [range(0, n, s) for n, s in zip(shape, sides, strict=True)]
    for corner in itertools.product(*steps):
        yield tuple(slice(a, a + s) for a, s in zip(corner, sides, strict=True))


def sides_of(side: int | tuple[int, ...] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Length of a box along each axis, the map's own for ``None``.

    Example:
        >>> sides_of(2, (5, 6)), sides_of(None, (5, 6))
        ((2, 2), (5, 6))
    """
    lengths = side if isinstance(side, tuple) else (side,) * len(shape)
    if len(lengths) != len(shape):
        raise ValueError(
            f"expected one side, or one for each axis of maps of shape {shape}, got {side}"
        )
    return tuple(max(n, 1) if s is None else s for s, n in zip(lengths, shape, strict=True))


def _window_bars(
    image: NDArray[np.floating], index: Index, construction: Construction, min_length: float
) -> Iterator[tuple[Index, Array]]:
    """Pixel pairs (death -1 for the component that never dies) and values, by dimension."""
    code = persistence(image, construction=construction)
    for dim, (pairs, values) in enumerate(zip(code.pairs, code.values, strict=True)):
        long = values[:, 0] - values[:, 1] > min_length
        pixels, levels = index[pairs[long]], values[long].astype(np.float64)
        if dim == 0:
            oldest = code.essential
            pixels = np.vstack([[[index[oldest], -1]], pixels])
            levels = np.vstack([[[float(image.flat[oldest]), 0.0]], levels])
        yield pixels, levels
