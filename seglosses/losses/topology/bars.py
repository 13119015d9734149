"""Bars of batches as tensors: barcodes come from NumPy as pixel indices, torch gathers the values.

The batch goes to the CPU once, and the indices of all bars come back once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.topology import betti_numbers, persistence
from seglosses.topology.filtration import Construction

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class Bars(NamedTuple):
    """Bars of the superlevel sets of a batch of maps, and which of them the label has.

    Example:
        >>> maps, label = torch.tensor([[[[0.9, 0.1, 0.6]]]]), torch.tensor([[[[1, 0, 0]]]])
        >>> bars = find_bars(maps, [label[0, 0].numpy() > 0], lambda values: -values[:, 0])
        >>> bars.birth, bars.death, bars.kept
        (tensor([0.9000, 0.6000]), tensor([0.0000, 0.1000]), tensor([ True, False]))
    """

    birth: Tensor  #: value at which the bar begins, (b,)
    death: Tensor  #: value at which it ends, 0 for the component that never dies, (b,)
    kept: Tensor  #: whether the label has the structure, bool (b,)
    row: Tensor  #: which map (of N K) it belongs to, (b,)
    missing: Tensor  #: structures of the label without a bar, (N K,)

    def total(self, cost: Tensor, shape: torch.Size, missing: float) -> Tensor:
        """Sum of costs (b,) and of ``missing`` a missing structure, by image and class (N, K)."""
        rows = missing * self.missing.to(cost.dtype)
        return rows.index_add(0, self.row, cost).view(shape[:2])


def find_bars(
    maps: Tensor,
    wanted: list[NDArray[np.bool_]] | tuple[int, ...],
    order: Callable[[Array], Array],
    *,
    window: int | None = None,
    construction: Construction = "T",
    min_length: float = 0.0,
) -> Bars:
    """Bars of every map, window by window, those of the label first by ``order``.

    Args:
        maps: (N, K, *S) in [0, 1].
        wanted: The label's masks (*S), one for each of the N K maps, or its Betti numbers.
        order: From births and deaths (b, 2) to sort keys; the label's structures take the least.
        window: Side of the windows, pixels; ``None`` for the whole map. The last ones are smaller.
        construction: 'T': the foreground is 8-connected (26 in 3D); 'V': 4-connected (6).
        min_length: Shorter bars are noise and cost nothing.

    Returns:
        :class:`Bars`; births and deaths carry the gradient.

    Example:
        >>> find_bars(torch.zeros(1, 1, 4, 4), (2, 0), lambda values: -values[:, 0]).missing
        tensor([1])
    """
    size = maps[0, 0].numel() if maps.numel() else 0
    images = maps.detach().flatten(0, 1).cpu().numpy()
    found: list[tuple[Index, NDArray[np.bool_], int]] = []
    missing = np.zeros(len(images), np.int64)
    connectivity = {"T": (8, 26), "V": (4, 6)}[construction][maps.dim() - 4]
    for row, image in enumerate(images):
        flat = np.arange(size).reshape(image.shape)
        for part in windows(image.shape, window):
            if isinstance(wanted, tuple):
                numbers = wanted
            else:
                numbers = betti_numbers(wanted[row][part], connectivity=connectivity)
            bars = _window_bars(image[part], flat[part].ravel(), construction, min_length)
            for (pairs, values), number in zip(bars, numbers, strict=True):
                kept = np.zeros(len(pairs), bool)
                kept[np.argsort(order(values), kind="stable")[:number]] = True
                found.append((pairs, kept, row))
                missing[row] += max(number - len(pairs), 0)
    return _gathered(maps, size, found, missing)


def windows(shape: tuple[int, ...], side: int | None) -> Iterator[tuple[slice, ...]]:
    """Places of adjacent windows, row by row; those at the far ends are smaller.

    Example:
        >>> list(windows((2, 3), 2))
        [(slice(0, 2, None), slice(0, 2, None)), (slice(0, 2, None), slice(2, 4, None))]
    """
    steps = [range(0, n, side or max(n, 1)) for n in shape]
    for corner in itertools.product(*steps):
        yield tuple(slice(a, a + (side or n)) for a, n in zip(corner, shape, strict=True))


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


def _gathered(
    maps: Tensor, size: int, found: list[tuple[Index, NDArray[np.bool_], int]], missing: Index
) -> Bars:
    counts = [len(pairs) for pairs, _, _ in found]
    rows = np.repeat([row for _, _, row in found], counts).astype(np.int64)
    pairs = np.concatenate([pairs for pairs, _, _ in found]) if found else np.zeros((0, 2), int)
    kept = np.concatenate([each for _, each, _ in found]) if found else np.zeros(0, bool)
    table = torch.from_numpy(np.column_stack([pairs, rows, kept]).astype(np.int64)).to(maps.device)
    birth, death, row, flags = table.unbind(1)
    flat = maps.flatten()
    # a component that never dies ends at 0, which no pixel holds
    ends = torch.where(death >= 0, flat[(death.clamp(min=0) + row * size)], 0.0)
    lost = torch.from_numpy(missing).to(maps.device)
    return Bars(flat[birth + row * size], ends, flags.bool(), row, lost)
