"""Pixels and their neighbours, as pairs of slices."""

from __future__ import annotations

from collections.abc import Sequence

Index = tuple[slice, ...]


def shifted(size: Sequence[int], step: Sequence[int]) -> tuple[Index, Index]:
    """Slices of maps (N, C, *S): pixels whose neighbour at a step is inside, and the neighbours.

    Args:
        size: S.
        step: Offset of the neighbour along each axis.

    Example:
        >>> import torch
        >>> here, there = shifted((4,), (1,))
        >>> row = torch.arange(4).view(1, 1, 4)
        >>> row[here], row[there]
        (tensor([[[0, 1, 2]]]), tensor([[[1, 2, 3]]]))
    """
    every = slice(None)
    pairs = list(zip(step, size, strict=True))
    here = [slice(max(-d, 0), length - max(d, 0)) for d, length in pairs]
    there = [slice(max(d, 0), length - max(-d, 0)) for d, length in pairs]
    return (every, every, *here), (every, every, *there)
