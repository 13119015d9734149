"""Distances from means along the tree that joins neighbours of like colours."""

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


def tree_distances(
    prob: Tensor,
    guides: Sequence[Tensor],
    spreads: Sequence[float],
    weight: Tensor | None = None,
) -> Tensor:
    r"""How far maps are from their means along a tree, of means along a tree, and so on.

        sum_i v_i |p_i - q_i|,  q_i = sum_j w_ij p_j / sum_j w_ij,  w_ij the edges between i and j

    The host makes trees and sums, and the gradient at once: it is known up to a factor of each map.
    So there is one copy down and one up, and one node of a graph of ``torch.compile``.

    Args:
        prob: (N, C, *S), differentiable once.
        guides: Colours of the trees, (N, K, *S) each; no gradient flows to them.
        spreads: sigma of each, see :func:`colour_tree`.
        weight: Weights v of pixels in the sum, which broadcast to ``prob``.

    Returns:
        (N, C).

    Example:
        >>> colours = torch.tensor([[[0.0, 0.0, 99.0]]])  # the first two are one: 1/2 each
        >>> tree_distances(torch.tensor([[[1.0, 0.0, 0.0]]]), [colours], [1.0])
        tensor([[1.]])
    """
    refuse_transforms()
    found = [guide.detach().nan_to_num() for guide in guides]
    trained = weight is not None and weight.requires_grad
    if torch.compiler.is_compiling():
        whole, _, _ = _distances_operator(prob, found, list(spreads), weight, trained)
        assert isinstance(whole, Tensor)
        return whole
    sums: Tensor = _TreeDistances.apply(prob, found, spreads, weight, trained)  # type: ignore[no-untyped-call]
    return sums


class _TreeDistances(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        prob: Tensor,
        guides: Sequence[Tensor],
        spreads: Sequence[float],
        weight: Tensor | None,
        trained: bool,
    ) -> Tensor:
        sums, *kept = _distances(prob, guides, spreads, weight, trained)
        ctx.shape = None if weight is None else weight.shape
        ctx.save_for_backward(*kept)
        return sums

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, None, Tensor | None, None]:
        of_prob, of_weight = _slopes(ctx, grad)
        return of_prob, None, None, of_weight, None


def _distances(
    prob: Tensor,
    guides: Sequence[Tensor],
    spreads: Sequence[float],
    weight: Tensor | None,
    trained: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Sums (N, C), their gradient (N, C, *S), and where weights are trained each |p - q|."""
    weights = [] if weight is None else [weight.detach()]
    maps, *others = down([prob.detach(), *guides, *weights])
    colours, shares = others[: len(guides)], others[len(guides) :]
    values = _rows(maps)
    share = np.broadcast_to(_rows(shares[0]) if shares else np.ones(()), values.shape)
    gaps = np.zeros_like(values)
    # sums, slopes and distances, one after the other, for one copy
    count, size = values.shape[0] * values.shape[2], values.size
    packed = np.empty(count + size + trained * size, maps.dtype)
    slopes = np.empty_like(values)
    for n in range(len(values)):
        trees = [
            colour_tree(each[n], spread) for each, spread in zip(colours, spreads, strict=True)
        ]
        totals = [_along(tree, np.ones((len(values[n]), 1))) for tree in trees]
        for tree, total in zip(trees, totals, strict=True):
            values[n] = _along(tree, values[n]) / total
        # as precise as the maps, where a difference of nothing has no sign
        apart = _rows(maps[n : n + 1] - _maps(values[n], maps.dtype, maps[n].shape))[0]
        gaps[n] = np.abs(apart)
        back = slope = np.sign(apart) * share[n]
        # the matrix of a tree is symmetric, so backward is the same product
        for tree, total in zip(trees[::-1], totals[::-1], strict=True):
            back = _along(tree, back / total)
        slopes[n] = slope - back
    packed[:count] = (gaps * share).sum(1).ravel()
    packed[count : count + size] = slopes.transpose(0, 2, 1).ravel()
    if trained:
        packed[count + size :] = gaps.transpose(0, 2, 1).ravel()
    sent = sent_up(packed, prob.dtype, prob.device)
    found = sent[count + size :] if trained else sent.new_empty((0,))
    return (
        sent[:count].view(prob.shape[:2]).clone(),
        sent[count : count + size].view(prob.shape),
        found.view(prob.shape).clone() if trained else found,
    )


def _along(tree: Tree, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums (P, C) along the tree."""
    sums = values.copy()
    sums_along_tree(sums, tree.share, tree.queue, tree.before)
    return sums


def _rows(maps: NDArray[Any]) -> NDArray[np.float64]:
    """A copy (N, P, C) of maps (N, C, *S)."""
    flat = maps.reshape(*maps.shape[:2], math.prod(maps.shape[2:])).transpose(0, 2, 1)
    return np.array(flat, np.float64, order="C")


def _maps(values: NDArray[np.float64], dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    return values.T.reshape(shape).astype(dtype)


def _slopes(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None]:
    """Gradients of maps and weights, given that of the sums (N, C)."""
    of_prob, gaps = ctx.saved_tensors
    factor = grad.view(*grad.shape, *(1,) * (of_prob.dim() - 2))
    of_weight = (factor * gaps).sum_to_size(ctx.shape) if gaps.numel() else None
    return factor * of_prob, of_weight


# schemas are spelled out: torch reads them off annotations that are strings from 2.5 on only
@torch.library.custom_op(
    "seglosses::tree_distances",
    mutates_args=(),
    schema="(Tensor prob, Tensor[] guides, float[] spreads, Tensor? weight, bool trained)"
    " -> (Tensor, Tensor, Tensor)",
)
def _distances_operator(
    prob: Tensor,
    guides: Sequence[Tensor],
    spreads: Sequence[float],
    weight: Tensor | None,
    trained: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    return _distances(prob, guides, spreads, weight, trained)


@_distances_operator.register_fake
def _(
    prob: Tensor,
    guides: Sequence[Tensor],
    spreads: Sequence[float],
    weight: Tensor | None,
    trained: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    gaps = prob.new_empty(prob.shape if trained else (0,))
    return prob.new_empty(prob.shape[:2]), prob.new_empty(prob.shape), gaps


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    ctx.guides, weight = len(inputs[1]), inputs[3]
    ctx.shape = None if weight is None else weight.shape
    ctx.save_for_backward(*output[1:])
    ctx.mark_non_differentiable(*output[1:])


def _backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Any, ...]:
    of_prob, of_weight = _slopes(ctx, grad)
    return of_prob, [None] * ctx.guides, None, of_weight, None


_distances_operator.register_autograd(_backward, setup_context=_keep)
