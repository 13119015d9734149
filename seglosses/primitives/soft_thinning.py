"""Differentiable thinning: a skeleton with the topology of the mask, and a gradient.

Pixels are removed where they are simple and no end of a line, in interleaved subfields (four in
images, eight in volumes), so that no two neighbours go at once. Whether a pixel is simple is
written as products of its neighbours, exact on masks and differentiable everywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.device import is_transformed
from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import pick_channels

_Move = tuple[int, ...]
_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_CUBE: list[_Move] = [m for m in itertools.product((-1, 0, 1), repeat=3) if any(m)]


def soft_thinning(image: Tensor, iterations: int = 5, *, noise: float = 0.0) -> Tensor:
    r"""Thin maps in [0, 1], cut at 1/2, with a straight-through gradient.

        x   <- 1 where image > 1/2 (with noise: where logit(image) + noise * logistic > 0)
        end =  no or one neighbour, in the map with which the iteration begins
        x   <- x (1 - simple (1 - end))                 subfield by subfield

    In images ``simple`` is Yokoi's number of runs of background being one:

        c_k    = (1 - x_k) (1 - (1 - x_(k+1)) (1 - x_(k+2)))      for the four faces k
        simple = sum_k c_k prod_(j != k) (1 - c_j)

    with the eight neighbours x_j in cyclic order, faces at odd places. In volumes it is Bertrand's
    Boolean characterisation: one empty face; or one neighbour; or one neighbour that is no corner,
    and no corner on its own; or no face, edge or corner on its own, and an Euler number that stays.

    The gradient passes the cut unchanged and follows every decision to the probabilities of the
    pixel and its neighbours, but not on to the decisions before: chains of these grow without bound
    (millions after five layers of a wall of 512 pixels), a deviation from the paper. On masks the
    result is that of the authors' code.

    Args:
        image: (N, C, H, W) or (N, C, D, H, W).
        iterations: Layers that are peeled off, at least the largest half-width in pixels.
        noise: Scale of the logistic noise; it lets uncertain pixels flip, so that the gradient
            sees other skeletons as well.

    Returns:
        Skeletons of {0, 1}, the shape and dtype of ``image``.

    Raises:
        ValueError: for other numbers of axes or negative ``iterations``.

    References:
        Menten et al., A Skeletonization Algorithm for Gradient-Based Optimization, ICCV 2023,
        arXiv:2309.02527; Yokoi et al., 1975; Bertrand, A Boolean characterization of
        three-dimensional simple points, 1996.

    Example:
        >>> ring = torch.full((1, 1, 5, 5), 0.9)
        >>> ring[..., 2, 2] = 0.1
        >>> soft_thinning(ring)[0, 0].int()
        tensor([[0, 0, 1, 0, 0],
                [0, 1, 0, 1, 0],
                [1, 0, 0, 0, 1],
                [0, 1, 0, 1, 0],
                [0, 0, 1, 0, 0]], dtype=torch.int32)
    """
    if image.dim() not in (4, 5):
        raise ValueError(
            "soft_thinning needs maps (N, C, H, W) or (N, C, D, H, W), got shape"
            f" {tuple(image.shape)}; add axes of size 1 for a single map"
        )
    if iterations < 0:
        raise ValueError(f"iterations must not be negative, got {iterations}")
    soft = image if image.is_floating_point() else image.float()
    dims = image.dim() - 2
    framed = F.pad(_cut(soft, noise), (1, 1) * dims)
    # zero in value: it lends every decision the gradient of the neighbours' probabilities
    path = framed - framed.detach()
    # the first axis runs fastest, and odd places come first, as in the authors' code
    starts = [start[::-1] for start in itertools.product((1, 0), repeat=dims)]
    for _ in range(iterations):
        end = _ends(framed.detach() + path)
        for start in starts:
            framed = _peel(framed, path, end, start)
    return framed[_at([slice(1, -1)] * dims)].to(image.dtype)


def _cut(image: Tensor, noise: float) -> Tensor:
    level = image.detach()
    if noise > 0:
        uniform = torch.rand_like(level).clamp(1e-6, 1 - 1e-6)
        level = (level.clamp(1e-6, 1 - 1e-6).logit() + noise * uniform.logit()).sigmoid()
    # straight through: the value of the cut, the gradient of the image
    return image + ((level > 0.5).to(image.dtype) - image).detach()


def _ends(framed: Tensor) -> Tensor:
    """1 where a pixel inside the frame has at most one neighbour."""
    around = _around(framed, _RING if framed.dim() == 4 else _CUBE, (0,) * (framed.dim() - 2), 1)
    none, one = _none_and_one(around)
    return none + one


def _peel(framed: Tensor, path: Tensor, end: Tensor, start: _Move) -> Tensor:
    """Remove the deletable pixels of one subfield of a framed map."""
    seen = framed.detach() + path
    follow = _simple if is_transformed() else _Simple.apply
    simple: Tensor = follow(seen, start)
    own = end[_at(slice(first, None, 2) for first in start)]
    rest = framed.clone()
    inside = _at(slice(1 + first, -1, 2) for first in start)
    rest[inside] = framed[inside] * (1 - simple * (1 - own))
    return rest


class _Simple(torch.autograd.Function):
    """1 where a pixel of a subfield is simple; backward repeats the many products of forward."""

    @staticmethod
    def forward(ctx: Any, framed: Tensor, start: _Move) -> Tensor:
        ctx.save_for_backward(framed)
        ctx.start = start
        return _simple(framed, start)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (framed,) = ctx.saved_tensors
        with torch.enable_grad():
            leaf = framed.detach().requires_grad_()
            (slope,) = torch.autograd.grad(_simple(leaf, ctx.start), leaf, grad)
        return slope, None


def _simple(framed: Tensor, start: _Move) -> Tensor:
    if len(start) == 2:
        return _simple_pixels(1 - _around(framed, _RING, start, 2))
    return _simple_voxels(1 - _around(framed, _CUBE, start, 2))


def _around(framed: Tensor, moves: Sequence[_Move], start: _Move, step: int) -> Tensor:
    """The neighbours of every ``step``-th pixel, stacked in front."""
    sizes = framed.shape[2:]
    views = []
    for move in moves:
        axes = zip(start, move, sizes, strict=True)
        views.append(framed[_at(slice(1 + first + m, n - 1 + m, step) for first, m, n in axes)])
    return torch.stack(views)


def _at(places: Iterable[slice]) -> tuple[Any, ...]:
    """Index of the last axes."""
    return (..., *places)


def _simple_pixels(off: Tensor) -> Tensor:
    """From the eight neighbours, 1 where empty."""
    corner, face = off[::2].roll(-1, 0), off[1::2]
    return _none_and_one(face * (1 - corner * face.roll(-1, 0)))[1]


def _simple_voxels(off: Tensor) -> Tensor:
    """From the 26 neighbours, 1 where empty."""
    on = 1 - off
    face, edge, corner = (_chosen(off, kind) for kind in (_FACES, _EDGES, _CORNERS))
    hole = _product(face, on, _RIMS)
    lone_edge = _product(1 - edge, off, _NEAR_EDGES)
    lone_corner = _product(1 - corner, off, _BESIDE_CORNERS)
    free_edge = _product(edge, off, _BESIDE_EDGES)
    free_corner = _product(corner, off, _BESIDE_CORNERS)
    euler = face.sum(0) - free_edge.sum(0) + free_corner.sum(0)
    no_corner = _none_and_one(lone_corner)[0]
    cases = [
        _none_and_one(face)[1],
        _none_and_one(on)[1],
        _none_and_one(1 - torch.cat([face, edge]))[1] * no_corner,
        # sinc is 1 at one, 0 at other whole numbers, and has a slope there
        torch.sinc(euler - 1) * no_corner * _none_and_one(torch.cat([lone_edge, hole]))[0],
    ]
    simple = 1 - _none_and_one(torch.stack(cases))[0]
    # sinc is zero up to rounding only
    return simple + (simple.round() - simple).detach()


def _product(first: Tensor, factors: Tensor, places: list[list[int]]) -> Tensor:
    """``first[i]`` times the factors at ``places[i]``."""
    for column in zip(*places, strict=True):
        first = first * _chosen(factors, column)
    return first


def _chosen(terms: Tensor, places: Sequence[int]) -> Tensor:
    return pick_channels(terms, places, 0)


def _none_and_one(terms: Tensor) -> tuple[Tensor, Tensor]:
    """Polynomials that are 1 where none, and where exactly one, of the stacked terms is 1."""
    none, one = 1 - terms, terms
    while len(none) > 1:
        half = len(none) // 2
        a, b, rest = slice(0, half), slice(half, 2 * half), slice(2 * half, None)
        one = torch.cat([one[a] * none[b] + none[a] * one[b], one[rest]])
        none = torch.cat([none[a] * none[b], none[rest]])
    return none[0], one[0]


def _kind(length: int) -> list[int]:
    return [i for i, move in enumerate(_CUBE) if sum(map(abs, move)) == length]


def _partners(
    of: list[int], among: list[int], near: Callable[[_Move, _Move], bool]
) -> list[list[int]]:
    return [[j for j in among if j != i and near(_CUBE[i], _CUBE[j])] for i in of]


def _touching(a: _Move, b: _Move) -> bool:
    return all(abs(x - y) < 2 for x, y in zip(a, b, strict=True))


def _spanned(a: _Move, b: _Move) -> bool:
    return all(y in (0, x) for x, y in zip(a, b, strict=True))


def _at_face(a: _Move, b: _Move) -> bool:
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) == 1


_FACES, _EDGES, _CORNERS = _kind(1), _kind(2), _kind(3)
_RIMS = _partners(_FACES, _EDGES, _at_face)
_NEAR_EDGES = _partners(_EDGES, _FACES + _EDGES, _touching)
_BESIDE_EDGES = _partners(_EDGES, _FACES, _spanned)
_BESIDE_CORNERS = _partners(_CORNERS, _FACES + _EDGES, _spanned)
