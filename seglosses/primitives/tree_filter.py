"""Means along the tree that joins neighbours of like colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.primitives._kernels_trees import spanning_tree, sums_along_tree
from seglosses.primitives.first_order import apply_by_hand, first_order
from seglosses.primitives.host import sent_up


class Tree(NamedTuple):
    """A rooted tree of the pixels of an image, and how much passes along its edges."""

    queue: NDArray[np.int64]  #: pixels from the root outwards
    before: NDArray[np.int64]  #: the next pixel towards the root
    share: NDArray[np.float64]  #: of the edge to that one, 0 for the root


def colour_tree(image: NDArray[Any], sigma: float) -> Tree:
    """Minimum spanning tree of the squared distances of neighbouring colours.

    Args:
        image: (K, *S); neighbours share a face.
        sigma: An edge passes exp(-distance^2 / sigma).

    Example:
        >>> tree = colour_tree(np.array([[0.0, 0.0, 1.0]]), 1.0)
        >>> tree.before.tolist(), tree.share.round(4).tolist()
        ([0, 0, 1], [0.0, 1.0, 0.3679])
    """
    size = image.shape[1:]
    number = np.arange(int(np.prod(size)), dtype=np.int64).reshape(size)
    colours = np.asarray(image, np.float64)
    first, second, weight = [], [], []
    for axis in range(len(size)):
        low, high = [slice(None)] * len(size), [slice(None)] * len(size)
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        first.append(number[tuple(low)].ravel())
        second.append(number[tuple(high)].ravel())
        step = np.square(np.diff(colours, axis=axis + 1)).sum(0)
        weight.append(step.ravel())
    order = np.argsort(np.concatenate(weight), kind="stable")
    queue, before = spanning_tree(np.concatenate(first), np.concatenate(second), order, number.size)
    flat = colours.reshape(len(colours), -1)
    share = np.exp(-np.square(flat - flat[:, before]).sum(0) / sigma)
    share[0] = 0.0
    return Tree(queue, before, share)


def tree_means(prob: Tensor, trees: Sequence[Tree]) -> Tensor:
    """Mean of each map, in which pixels weigh by what passes along the tree.

        mean_i = sum_j w_ij p_j / sum_j w_ij,  w_ij the product of the edges between i and j

    Args:
        prob: (N, C, *S), differentiable once.
        trees: One an image.

    Returns:
        (N, C, *S).

    Example:
        >>> tree = colour_tree(np.array([[0.0, 0.0, 99.0]]), 1.0)
        >>> tree_means(torch.tensor([[[1.0, 0.0, 0.0]]]), [tree])
        tensor([[[0.5000, 0.5000, 0.0000]]])
    """
    ones = torch.ones_like(prob[:, :1])
    total = apply_by_hand(_TreeSums, torch.cat([prob, ones], 1), trees)
    means: Tensor = total[:, :-1] / total[:, -1:]
    return means


class _TreeSums(torch.autograd.Function):
    """A symmetric matrix times the maps: backward is the same product."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, trees: Sequence[Tree]) -> Tensor:
        ctx.trees = trees
        return _summed(maps, trees)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _summed(grad, ctx.trees), None


def _summed(maps: Tensor, trees: Sequence[Tree]) -> Tensor:
    rows = maps.detach().flatten(2).transpose(1, 2).to("cpu", torch.float64, copy=True)
    values = rows.contiguous().numpy()
    for each, tree in zip(values, trees, strict=True):
        sums_along_tree(each, tree.share, tree.queue, tree.before)
    found = values.transpose(0, 2, 1).reshape(maps.shape)
    return sent_up(found, maps.dtype, maps.device)
