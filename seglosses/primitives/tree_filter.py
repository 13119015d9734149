"""Means along the tree that joins neighbours of like colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.primitives._kernels_trees import spanning_tree, sums_along_tree
from seglosses.primitives.first_order import first_order, refuse_transforms
from seglosses.primitives.host import down, sent_up


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


def tree_means(prob: Tensor, guides: Sequence[Tensor], spreads: Sequence[float]) -> Tensor:
    """Mean of each map, in which pixels weigh by what passes along a tree, tree after tree.

        mean_i = sum_j w_ij p_j / sum_j w_ij,  w_ij the product of the edges between i and j

    The host makes the trees and the sums: one copy down and one up, forward and backward, and a
    node each of a graph of ``torch.compile``.

    Args:
        prob: (N, C, *S), differentiable once.
        guides: Colours of the trees, (N, K, *S) each; no gradient flows to them.
        spreads: sigma of each, see :func:`colour_tree`.

    Returns:
        (N, C, *S).

    Example:
        >>> colours = torch.tensor([[[0.0, 0.0, 99.0]]])
        >>> tree_means(torch.tensor([[[1.0, 0.0, 0.0]]]), [colours], [1.0])
        tensor([[[0.5000, 0.5000, 0.0000]]])
    """
    refuse_transforms()
    found = [guide.detach().nan_to_num() for guide in guides]
    if torch.compiler.is_compiling():
        means, _ = _means_operator(prob, found, list(spreads))
        assert isinstance(means, Tensor)
        return means
    whole: Tensor = _TreeMeans.apply(prob, found, spreads)  # type: ignore[no-untyped-call]
    return whole


class _TreeMeans(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, prob: Tensor, guides: Sequence[Tensor], spreads: Sequence[float]
    ) -> Tensor:
        means, ctx.trees = _means(prob, guides, spreads)
        return means

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return _slopes(grad, ctx.trees), None, None


def _means(
    prob: Tensor, guides: Sequence[Tensor], spreads: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Means, and on the CPU what backward needs: (N, trees, 4, P), see :func:`_slopes`."""
    maps, *colours = down([prob.detach(), *guides])
    values = _rows(maps)
    trees = np.empty((len(maps), len(guides), 4, values.shape[1]))
    for value, each, images in zip(values, trees, zip(*colours, strict=True), strict=True):
        for held, image, spread in zip(each, images, spreads, strict=True):
            tree = colour_tree(image, spread)
            total = np.ones((len(value), 1))
            for sums in (total, value):
                sums_along_tree(sums, tree.share, tree.queue, tree.before)
            value /= total
            held[:] = tree.queue, tree.before, tree.share, total[:, 0]
    return _maps(values, prob), torch.from_numpy(trees)


def _slopes(grad: Tensor, trees: Tensor) -> Tensor:
    """Gradient of the maps: the matrix of a tree is symmetric, so backward is the same product.

    Args:
        grad: (N, C, *S).
        trees: Queue, node before, share and sum of weights of each pixel, tree and image.
    """
    values = _rows(down([grad.detach()])[0])
    for value, each in zip(values, trees.numpy(), strict=True):
        for queue, before, share, total in each[::-1]:
            value /= total[:, None]
            sums_along_tree(value, share.copy(), queue.astype(np.int64), before.astype(np.int64))
    return _maps(values, grad)


def _rows(maps: NDArray[Any]) -> NDArray[np.float64]:
    """A copy (N, P, C) of maps (N, C, *S)."""
    flat = maps.reshape(*maps.shape[:2], math.prod(maps.shape[2:])).transpose(0, 2, 1)
    return np.array(flat, np.float64, order="C")


def _maps(values: NDArray[np.float64], like: Tensor) -> Tensor:
    return sent_up(values.transpose(0, 2, 1).reshape(like.shape), like.dtype, like.device)


# schemas are spelled out: torch reads them off annotations that are strings from 2.5 on only
@torch.library.custom_op(
    "seglosses::tree_means",
    mutates_args=(),
    schema="(Tensor prob, Tensor[] guides, float[] spreads) -> (Tensor, Tensor)",
)
def _means_operator(
    prob: Tensor, guides: Sequence[Tensor], spreads: Sequence[float]
) -> tuple[Tensor, Tensor]:
    return _means(prob, guides, spreads)


@_means_operator.register_fake
def _(prob: Tensor, guides: Sequence[Tensor], spreads: Sequence[float]) -> tuple[Tensor, Tensor]:
    size = (len(prob), len(guides), 4, math.prod(prob.shape[2:]))
    return prob.new_empty(prob.shape), torch.empty(size, dtype=torch.float64)


@torch.library.custom_op(
    "seglosses::tree_slopes", mutates_args=(), schema="(Tensor grad, Tensor trees) -> Tensor"
)
def _slopes_operator(grad: Tensor, trees: Tensor) -> Tensor:
    return _slopes(grad, trees)


@_slopes_operator.register_fake
def _(grad: Tensor, trees: Tensor) -> Tensor:
    return grad.new_empty(grad.shape)


def _keep_trees(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.guides = len(inputs[1])
    ctx.save_for_backward(output[1])
    ctx.mark_non_differentiable(output[1])


def _backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, list[None], None]:
    return _slopes_operator(grad, *ctx.saved_tensors), [None] * ctx.guides, None


_means_operator.register_autograd(_backward, setup_context=_keep_trees)
