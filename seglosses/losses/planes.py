"""Constant maps computed outside of torch, image by image and class by class.

Skeletons, distances and topology are computed on the CPU by NumPy. The batch goes down once, and
its maps come up once; no gradient flows through them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def constant_maps(compute: Callable[..., NDArray[np.generic]], *maps: Tensor) -> Tensor:
    """Call ``compute`` with the arrays of each image and class, and stack what it returns.

    Args:
        compute: Takes one array (*S) for each of ``maps`` and returns an array, of the same shape
            and dtype for every image and class.
        maps: (N, K, *S).

    Returns:
        (N, K, ...) on the device of the maps, without a graph.

    Example:
        >>> masks = torch.tensor([[[[0, 1]], [[1, 1]]]]) > 0
        >>> constant_maps(lambda mask: mask.sum(), masks)
        tensor([[1, 2]])
    """
    device, leading = maps[0].device, maps[0].shape[:2]
    rows = [each.detach().flatten(0, 1).cpu().numpy() for each in maps]
    results = [np.asarray(compute(*row)) for row in zip(*rows, strict=True)]
    if results:
        stacked = np.stack(results)
    else:
        # an empty batch still needs the shape and dtype of its maps
        probe = np.asarray(compute(*(np.zeros(row.shape[1:], row.dtype) for row in rows)))
        stacked = np.zeros((0, *probe.shape), probe.dtype)
    return torch.from_numpy(stacked).to(device).view(*leading, *stacked.shape[1:])
