"""Differentiable thinning: a skeleton with the topology of the mask, and a gradient.

Pixels are removed where they are simple and no end of a line, in four interleaved subfields, so
that no two neighbours go at once. Whether a pixel is simple is written as a polynomial of its
neighbours, exact on masks and differentiable everywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def soft_thinning(image: Tensor, iterations: int = 5, *, noise: float = 0.0) -> Tensor:
    r"""Thin maps in [0, 1], cut at 1/2, with a straight-through gradient.

        x       <- 1 where image > 1/2 (with noise: where logit(image) + noise * logistic > 0)
        c_k     =  (1 - x_k) (1 - (1 - x_(k+1)) (1 - x_(k+2)))      for the four faces k
        simple  =  sum_k c_k prod_(j != k) (1 - c_j)
        end     =  prod_j (1 - x_j) + sum_j x_j prod_(i != j) (1 - x_i)
        x       <- x (1 - simple (1 - end))                 subfield by subfield

    The x_j are the eight neighbours in cyclic order, faces at odd places: c_k counts the runs of
    background, and a pixel of an 8-connected mask is simple if there is exactly one. The gradient
    passes the cut unchanged and follows every decision to the probabilities of the pixel and its
    neighbours, but not on to the decisions before: chains of these grow without bound (millions
    after five layers of a wall of 512 pixels), a deviation from the paper.

    Args:
        image: (N, C, H, W).
        iterations: Layers that are peeled off, at least the largest half-width in pixels.
        noise: Scale of the logistic noise; it lets uncertain pixels flip, so that the gradient
            sees other skeletons as well.

    Returns:
        Skeletons of {0, 1}, the shape and dtype of ``image``.

    Raises:
        ValueError: for other numbers of axes or negative ``iterations``.

    References:
        Menten et al., A Skeletonization Algorithm for Gradient-Based Optimization, ICCV 2023,
        arXiv:2309.02527; connectivity number: Yokoi et al., 1975.

    Example:
        >>> ring = torch.full((1, 1, 5, 5), 0.9)
        >>> ring[..., 2, 2] = 0.1
        >>> soft_thinning(ring)[0, 0].int()
        tensor([[0, 0, 0, 0, 0],
                [0, 0, 1, 0, 0],
                [0, 1, 0, 1, 0],
                [0, 0, 1, 0, 0],
                [0, 0, 0, 0, 0]], dtype=torch.int32)
    """
    if image.dim() != 4:
        raise ValueError(
            f"soft_thinning needs images (N, C, H, W), got shape {tuple(image.shape)}; the"
            " morphological soft_skeleton works in 3D"
        )
    if iterations < 0:
        raise ValueError(f"iterations must not be negative, got {iterations}")
    soft = image if image.is_floating_point() else image.float()
    height, width = image.shape[2:]
    framed = F.pad(_cut(soft, noise), (1, 1, 1, 1))
    # zero in value: it lends every decision the gradient of the neighbours' probabilities
    path = framed - framed.detach()
    for _ in range(iterations):
        for top in (0, 1):
            for left in (0, 1):
                framed = _peel(framed, path, top, left, height, width)
    return framed[..., 1:-1, 1:-1].to(image.dtype)


def _cut(image: Tensor, noise: float) -> Tensor:
    level = image.detach()
    if noise > 0:
        uniform = torch.rand_like(level).clamp(1e-6, 1 - 1e-6)
        level = (level.clamp(1e-6, 1 - 1e-6).logit() + noise * uniform.logit()).sigmoid()
    # straight through: the value of the cut, the gradient of the image
    return image + ((level > 0.5).to(image.dtype) - image).detach()


def _peel(framed: Tensor, path: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Remove the deletable pixels of one subfield of a framed map."""

    def field(values: Tensor, row: int, column: int) -> Tensor:
        rows = slice(1 + top + row, 1 + row + height, 2)
        return values[..., rows, slice(1 + left + column, 1 + column + width, 2)]

    pixel = field(framed, 0, 0)
    around = framed.detach() + path
    empty = [1 - field(around, row, column) for row, column in _RING]
    runs = [empty[k] * (1 - empty[(k + 1) % 8] * empty[(k + 2) % 8]) for k in (1, 3, 5, 7)]
    _, simple = _none_and_one(runs)
    alone, end = _none_and_one([1 - each for each in empty])
    deletable = simple * (1 - alone - end)
    rest = framed.clone()
    rest[..., 1 + top : 1 + height : 2, 1 + left : 1 + width : 2] = pixel * (1 - deletable)
    return rest


def _none_and_one(terms: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Polynomials that are 1 where none, and where exactly one, of the terms is 1."""
    none, one = 1 - terms[0], terms[0]
    for term in terms[1:]:
        none, one = none * (1 - term), one * (1 - term) + none * term
    return none, one
