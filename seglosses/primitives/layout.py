"""Parts of (N, C, P) that fit into a processor's cache, for formulas of many passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand

#: numbers in a block: 1 MiB of float32, about a second-level cache
BLOCK = 2**18


def blocks(maps: Tensor) -> Iterator[tuple[slice, slice]]:
    """Slices of the first and of the last dimension which together cover the tensor.

    On a CPU a formula of ten passes over 20 MB waits for memory in each of them, and for fresh
    pages in those that make a tensor; over a block at a time it waits once. Elsewhere the whole
    tensor is one block.

    Args:
        maps: (N, C, P).

    Yields:
        A slice of images and a slice of pixels.

    Example:
        >>> [(i.stop, p.stop) for i, p in blocks(torch.zeros(2, 16, 20_000))]
        [(1, 16384), (1, 32768), (2, 16384), (2, 32768)]
        >>> [(i.stop, p.stop) for i, p in blocks(torch.zeros(5000, 80, 1))]
        [(3276, 1), (6552, 1)]
    """
    if not at_hand(maps):
        # without a number, for which a compiler would make one graph per image size
        yield slice(None), slice(None)
        return
    images, channels, pixels = maps.shape
    columns = max(1, min(pixels, BLOCK // max(channels, 1)))
    rows = max(1, BLOCK // max(1, channels * pixels))
    for row in range(0, images, rows):
        for column in range(0, pixels, columns):
            yield slice(row, row + rows), slice(column, column + columns)


def flat_maps(maps: Tensor) -> Tensor:
    """(N, C, *S) to (N, C, P), without a copy where the layout allows it.

    Example:
        >>> flat_maps(torch.zeros(2, 3, 4, 5)).shape, flat_maps(torch.zeros(2, 3)).shape
        (torch.Size([2, 3, 20]), torch.Size([2, 3, 1]))
    """
    return maps.flatten(2) if maps.dim() > 2 else maps.unsqueeze(2)


def flat_labels(labels: Tensor) -> Tensor:
    """(N, *S) to (N, P).

    Example:
        >>> flat_labels(torch.zeros(2, 4, 5)).shape, flat_labels(torch.zeros(2)).shape
        (torch.Size([2, 20]), torch.Size([2, 1]))
    """
    return labels.flatten(1) if labels.dim() > 1 else labels.unsqueeze(1)


def pick_channels(maps: Tensor, chosen: Sequence[int], dim: int = 1) -> Tensor:
    """Channels out of (N, C, *S); a view where they follow each other, of which nothing is kept.

    A list as an index would be copied to the device first, and waited for.

    Args:
        maps: (N, C, *S).
        chosen: Channels, at least one.
        dim: Which dimension they are.

    Example:
        >>> pick_channels(torch.tensor([[1, 2, 3]]), [0, 2])
        tensor([[1, 3]])
    """
    first, count = chosen[0], len(chosen)
    if list(chosen) == list(range(first, first + count)):
        return maps.narrow(dim, first, count)
    return torch.stack([maps.select(dim, channel) for channel in chosen], dim)


def in_bytes(labels: Tensor, values: int) -> Tensor:
    """Labels to keep for a backward pass, a byte each where there are at most 256 values.

    Example:
        >>> in_bytes(torch.tensor([2]), 3).dtype, in_bytes(torch.tensor([2]), 300).dtype
        (torch.uint8, torch.int64)
    """
    return labels.to(torch.uint8) if values <= 256 else labels
