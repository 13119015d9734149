"""Differentiable skeletons of probability maps, in memory that does not grow with iterations.

With E_0 = x, E_(j+1) = erode(E_j) and O_j = dilate(E_(j+1)), the soft skeleton of clDice is

    skeleton = 1 - prod_j (1 - relu(E_j - O_j)),   j = 0 .. iterations

because its update s + relu(d - s d) equals 1 - (1 - s)(1 - d) for maps in [0, 1], and because the
erosion inside opening j is the next erosion step itself: iterations + 1 erosions do. Maps are
independent of each other, so backward keeps the input alone and repeats the steps map by map.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand
from seglosses.primitives.first_order import apply_by_hand, first_order, refuse_transforms

CHUNK_ELEMENTS = 2**18
"""Pixels that are worked on at once on the CPU: a few such arrays fit into its caches."""

SCRATCH_BYTES = 2**30
"""Scratch memory that backward may take on other devices."""

_Pairwise = Callable[..., Tensor]


def soft_skeleton(image: Tensor, iterations: int = 10) -> Tensor:
    r"""Soft skeleton of maps in [0, 1].

        E_0 = x,  E_(j+1) = erode(E_j),  d_j = relu(E_j - dilate(E_(j+1)))
        skeleton = 1 - prod_j (1 - d_j),  j = 0 .. iterations

    Erosion takes the minimum over the cross (4 or 6 neighbours), dilation the maximum over the box
    (8 or 26); beyond the border there is nothing, so a structure that touches it runs on. A bar of
    width 2 r + 1 has a skeleton once ``iterations >= r``, and none before.

    Where extrema tie, the gradient goes to the pixel itself if it is among them, else to the first
    neighbour in scan order: a valid subgradient, though not the one of every implementation.

    Args:
        image: (N, C, H, W) or (N, C, D, H, W). Boolean or uint8 masks of {0, 1} take a cheaper
            path and have no gradient.
        iterations: Erosion steps, at least the largest half-width in pixels.

    Returns:
        Skeleton of the shape and dtype of ``image``. Constant maps have none.

    Raises:
        ValueError: for other numbers of axes or negative ``iterations``.

    References:
        Shit et al., clDice, CVPR 2021, arXiv:2003.07311, Algorithm 1.

    Example:
        >>> bar = torch.zeros(1, 1, 5, 5)
        >>> bar[..., 1:4, :] = 0.8
        >>> soft_skeleton(bar, 1)[0, 0, :, 2]
        tensor([0.0000, 0.0000, 0.8000, 0.0000, 0.0000])
    """
    if image.dim() not in (4, 5):
        raise ValueError(
            "soft_skeleton needs maps (N, C, H, W) or (N, C, D, H, W), got shape"
            f" {tuple(image.shape)}; add axes of size 1 for a single map"
        )
    if iterations < 0:
        raise ValueError(f"iterations must not be negative, got {iterations}")
    if not image.is_floating_point():
        refuse_transforms()  # a label is thinned first, and its steps write in place
        return _hard(image, iterations)
    skeleton: Tensor = apply_by_hand(_SoftSkeleton, image, iterations)
    return skeleton


def _hard(image: Tensor, iterations: int) -> Tensor:
    """The same recurrence on {0, 1}: bytes instead of floats, and no products."""
    eroded = image.to(torch.uint8)
    skeleton = torch.zeros_like(eroded)
    dims = tuple(range(2, image.dim()))
    for _ in range(iterations + 1):
        smaller = _erode(eroded, dims)
        skeleton |= eroded > _dilate(smaller, dims)
        eroded = smaller
    return skeleton.to(image.dtype)


class _SoftSkeleton(torch.autograd.Function):
    """Forward and backward a few maps at a time; saves the input only."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, iterations: int) -> Tensor:
        ctx.save_for_backward(image)
        ctx.iterations = iterations
        skeleton = torch.empty_like(image, memory_format=torch.contiguous_format)
        for source, result in _chunks(iterations, image, skeleton):
            rest = torch.ones_like(source)
            for _, _, difference in _steps(source, iterations):
                rest.addcmul_(rest, difference, value=-1)
            result.copy_(rest.neg_().add_(1))
        return skeleton

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (image,) = ctx.saved_tensors
        result = torch.empty_like(image, memory_format=torch.contiguous_format)
        for source, above, below in _chunks(ctx.iterations, image, grad, result):
            below.copy_(_skeleton_gradient(source, above, ctx.iterations))
        return result, None


def _skeleton_gradient(image: Tensor, grad: Tensor, iterations: int) -> Tensor:
    dims = tuple(range(1, image.dim()))
    eroded, differences, before = [image], [], [grad]
    for _, smaller, difference in _steps(image, iterations):
        eroded.append(smaller)
        differences.append(difference)
        # prefix products instead of a division by 1 - d, which may be zero
        before.append(torch.addcmul(before[-1], before[-1], difference, value=-1))
    after = torch.ones_like(image)
    flow = torch.zeros_like(image)  # with respect to the smaller map of the step
    for step in range(iterations, -1, -1):
        larger, smaller, difference = eroded[step], eroded.pop(), differences.pop()
        before.pop()
        slope = difference.sign().mul_(before[-1]).mul_(after)
        after.addcmul_(after, difference, value=-1)
        flow.sub_(_dilate_gradient(slope, smaller, dims))
        flow = _erode_gradient(flow, larger, smaller, slope)
    return flow


def _steps(image: Tensor, iterations: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield E_j, E_(j+1) and relu(E_j - O_j) of maps (P, *S)."""
    dims = tuple(range(1, image.dim()))
    for _ in range(iterations + 1):
        smaller = _erode(image, dims)
        yield image, smaller, torch.sub(image, _dilate(smaller, dims)).relu_()
        image = smaller


def _chunks(iterations: int, *maps: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Split (N, C, *S) tensors into groups of maps (P, *S); written ones must be contiguous."""
    first = maps[0]
    rows, size = first.shape[0] * first.shape[1], max(math.prod(first.shape[2:]), 1)
    budget = CHUNK_ELEMENTS
    if not at_hand(first):
        budget = SCRATCH_BYTES // (first.element_size() * (3 * iterations + 7))
    step = max(budget // size, 1)
    flat = [each.flatten(0, 1) for each in maps]
    # a range over their number, not by their length, of which a compiler would make one graph each
    bounds = [*(part * step for part in range(-(-rows // step))), rows]
    for start, stop in pairwise(bounds):
        yield tuple(each[start:stop] for each in flat)


def _extremum3(image: Tensor, dim: int, pick: _Pairwise) -> Tensor:
    """Minimum or maximum over three neighbours along one dimension."""
    size = image.shape[dim]
    if size == 1:
        return image
    pairs = pick(image.narrow(dim, 1, size - 1), image.narrow(dim, 0, size - 1))
    result = torch.empty_like(image)
    result.narrow(dim, 0, 1).copy_(pairs.narrow(dim, 0, 1))
    result.narrow(dim, size - 1, 1).copy_(pairs.narrow(dim, size - 2, 1))
    if size > 2:
        inner = result.narrow(dim, 1, size - 2)
        _into(inner, pick, pairs.narrow(dim, 1, size - 2), pairs.narrow(dim, 0, size - 2))
    return result


def _into(out: Tensor, pick: _Pairwise, a: Tensor, b: Tensor) -> None:
    """Write an operation's result to a view, which the graph of a compiler takes as a copy only."""
    if torch.compiler.is_compiling():
        out.copy_(pick(a, b))
    else:
        pick(a, b, out=out)


def _dilate(image: Tensor, dims: tuple[int, ...]) -> Tensor:
    for dim in dims:
        image = _extremum3(image, dim, torch.maximum)
    return image


def _erode(image: Tensor, dims: tuple[int, ...]) -> Tensor:
    result = _extremum3(image, dims[-1], torch.minimum)
    if result is image:
        result = image.clone()
    for dim in dims[:-1]:
        for to, source in _neighbours(dim, result, image):
            _into(to, torch.minimum, to, source)
    return result


def _neighbours(dim: int, at: Tensor, of: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Views of pixels of ``at`` beside their lower, then their upper neighbour in ``of``."""
    size = at.shape[dim]
    if size > 1:
        yield at.narrow(dim, 1, size - 1), of.narrow(dim, 0, size - 1)
        yield at.narrow(dim, 0, size - 1), of.narrow(dim, 1, size - 1)


def _equal(a: Tensor, b: Tensor) -> Tensor:
    """1 where a == b, else 0; as floats, for operations on boolean masks are not vectorised."""
    if torch.compiler.is_compiling():
        return torch.eq(a, b).to(a.dtype)
    return torch.eq(a, b, out=torch.empty_like(a))


def _dilate_gradient(grad: Tensor, image: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Send the gradient of ``_dilate(image)`` to the pixels that were its maxima."""
    stages = [image]
    for dim in dims:
        stages.append(_extremum3(stages[-1], dim, torch.maximum))
    for dim in reversed(dims):
        dilated, source = stages.pop(), stages[-1]
        size = source.shape[dim]
        if size == 1:
            continue
        result = _equal(source, dilated).mul_(grad)
        rest = grad - result
        above, below = rest.narrow(dim, 0, size - 1), rest.narrow(dim, 1, size - 1)
        lower = _equal(source.narrow(dim, 0, size - 1), dilated.narrow(dim, 1, size - 1))
        result.narrow(dim, 0, size - 1).addcmul_(lower, below)
        below.addcmul_(lower, below, value=-1)
        # what neither the pixel nor its lower neighbour took belongs to the upper one
        result.narrow(dim, 1, size - 1).add_(above)
        grad = result
    return grad


def _erode_gradient(grad: Tensor, image: Tensor, eroded: Tensor, result: Tensor) -> Tensor:
    """Add to ``result`` the gradient of ``_erode(image)``; consumes ``grad``."""
    own = _equal(image, eroded)
    result.addcmul_(own, grad)
    grad.addcmul_(own, grad, value=-1)
    sides = [
        (at, source, rest, receiver)
        for dim in range(1, image.dim())
        for (at, source), (rest, receiver) in zip(
            _neighbours(dim, eroded, image), _neighbours(dim, grad, result), strict=True
        )
    ]
    for at, source, rest, receiver in sides[:-1]:
        taken = _equal(at, source)
        receiver.addcmul_(taken, rest)
        rest.addcmul_(taken, rest, value=-1)
    if sides:
        # what no other pixel took belongs to the last neighbour
        _, _, rest, receiver = sides[-1]
        receiver.add_(rest)
    return result
