"""Sums of soft steps between few scores and many, of which ranks are made.

A step is clamp((s - x) / (2 delta) + 1/2, 0, 1): how much the score s is above x; for delta = 0 it
is 1 from x on. Its sums are linear between the ends of steps, so that few numbers say them all.
Time is linear in the many scores on a CPU, n log n elsewhere, and memory is linear.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives import _kernels_steps as kernels
from seglosses.primitives.device import at_hand

#: Cells for each edge, so that hardly any holds two, and how many at most.
_CELLS, _MOST_CELLS = 16, 2**16


def step_sums(at: Tensor, scores: Tensor, weights: Tensor, delta: float) -> Tensor:
    """Sums over j of w_j times the step of s_j above x, for every x.

    Args:
        at: x, (k,) float64.
        scores: s, (n,) float64.
        weights: w, (n,) float64.
        delta: Half the width of a step.

    Returns:
        (k,).

    Example:
        >>> at, scores = torch.tensor([0.0]).double(), torch.tensor([-1.0, 0.25, 3.0]).double()
        >>> step_sums(at, scores, torch.ones_like(scores), delta=0.5)  # 0, 3/4 and 1
        tensor([1.7500], dtype=torch.float64)
    """
    order = scores.argsort()
    values, mass = scores[order], weights[order]
    total = torch.cat([mass.new_zeros(1), mass.cumsum(0)])
    moment = torch.cat([mass.new_zeros(1), (mass * values).cumsum(0)])
    low, high = torch.searchsorted(values, at - delta), torch.searchsorted(values, at + delta)
    above = total[-1] - total[high]
    if delta == 0:
        return above
    inside = (moment[high] - moment[low]) / (2 * delta)
    between = (total[high] - total[low]) * (0.5 - at / (2 * delta))
    # an infinite x is inside of no step
    return above + inside + torch.where((high > low) | at.isnan(), between, 0.0)


def true_places(mask: Tensor) -> Tensor:
    """Where a mask is true, in the order of memory, (k,).

    Example:
        >>> true_places(torch.tensor([[False, True], [True, False]]))
        tensor([1, 2])
    """
    flat = mask.contiguous().view(-1)
    if at_hand(flat):
        # of few among many ten times as fast as PyTorch
        return torch.from_numpy(np.flatnonzero(flat.numpy()))
    return flat.nonzero().squeeze(1)


def steps_above(at: Tensor, scores: Tensor, few: Tensor, delta: float) -> Tensor:
    """Sums of the steps of all scores above x, but of the few, for every x.

    Args:
        at: x, (k,) float64.
        scores: Any shape.
        few: Which scores are passed over, boolean of that shape.
        delta: Half the width of a step.

    Returns:
        (k,).

    Example:
        >>> scores = torch.tensor([-1.0, 0.25, 3.0])
        >>> few = torch.tensor([False, False, True])
        >>> steps_above(torch.tensor([0.0]).double(), scores, few, 0.5)  # 0 and 3/4
        tensor([0.7500], dtype=torch.float64)
    """
    ladder = _ladder(at, scores, delta)
    if ladder is None:
        other = scores[~few].double()
        return step_sums(at, other, torch.ones_like(other), delta)
    size = len(ladder.edges) + 1
    counts, sums = torch.zeros(2, size, dtype=torch.float64, device="cpu").unbind()
    kernels.add_to_intervals(*_rows(scores, few), *ladder.arrays(), counts.numpy(), sums.numpy())
    # counts from each interval on; of scores inside of steps alone the values matter, and these
    # are neither in the first interval nor in the last
    beyond = torch.cat([counts.flip(0).cumsum(0).flip(0), counts.new_zeros(1)])
    above = beyond[ladder.high + 1]
    if delta == 0:
        return above
    sums[0] = sums[-1] = 0
    moment = sums.cumsum(0)
    inside = (moment[ladder.high] - moment[ladder.low]) / (2 * delta)
    return above + inside + (beyond[ladder.low + 1] - above) * (0.5 - at / (2 * delta))


def shares_below(at: Tensor, share: Tensor, scores: Tensor, few: Tensor, delta: float) -> Tensor:
    """For every score s, but the few: the sum over x of its share times the step of s above x.

    Args:
        at: x, (k,) float64.
        share: Of each x, (k,) float64.
        scores: Any shape.
        few: Which scores get 0, boolean of that shape.
        delta: Half the width of a step.

    Returns:
        Of the shape and type of the scores.

    Example:
        >>> at, share = torch.tensor([0.0, 2.0]).double(), torch.tensor([1.0, 10.0]).double()
        >>> shares_below(at, share, torch.tensor([0.25, 3.0]), torch.tensor([False, False]), 0.5)
        tensor([ 0.7500, 11.0000])
    """
    ladder = _ladder(at, scores, delta)
    if ladder is None:
        out = torch.zeros_like(scores)
        other = scores[~few].double()
        out[~few] = step_sums(-other, -at, share, delta).to(out.dtype)
        return out
    level = share.new_zeros(len(ladder.edges) + 1)
    rise = torch.zeros_like(level)
    level.index_add_(0, ladder.high + 1, share)
    if delta:
        part = share * (0.5 - at / (2 * delta))
        for where, sign in ((ladder.low + 1, 1), (ladder.high + 1, -1)):
            level.index_add_(0, where, sign * part)
            rise.index_add_(0, where, sign * share / (2 * delta))
    level, rise = level.cumsum(0), rise.cumsum(0)
    # beyond the last edge, where what was added was taken off again
    rise[-1], level[-1] = 0, share.sum()
    out = torch.empty_like(scores, memory_format=torch.contiguous_format)
    kernels.read_intervals(
        *_rows(scores, few), *ladder.arrays(), level.numpy(), rise.numpy(), out.view(-1).numpy()
    )
    return out


class _Ladder(NamedTuple):
    """The ends of steps in order, and the places of the first and of the second end of each."""

    edges: Tensor
    low: Tensor
    high: Tensor

    def arrays(self) -> tuple[Any, Any, float]:
        """What the kernels search in."""
        edges = np.append(self.edges.numpy(), np.inf)
        starts = np.empty(min(_CELLS * len(edges), _MOST_CELLS) + 1, np.int32)
        width = edges[-2] - edges[0]
        scale = (len(starts) - 1) / width if width > 0 else 0.0
        kernels.cells_of(edges, scale, starts)
        return edges, starts, float(scale)


def _ladder(at: Tensor, scores: Tensor, delta: float) -> _Ladder | None:
    """``None`` where kernels cannot go: elsewhere, and without a finite step."""
    usual = scores.dtype in (torch.float32, torch.float64)
    if not (at_hand(scores) and usual and len(at)):
        return None
    first, second = at - delta, at + delta
    edges = torch.cat([first, second]).sort().values
    # subnormal widths, which overflow when divided by, are as good as none, and as rare
    scale = _MOST_CELLS / (edges[-1] - edges[0])
    if not bool((edges[[0, -1]].isfinite().all()) & (scale.isfinite() | (edges[0] == edges[-1]))):
        return None
    return _Ladder(edges, torch.searchsorted(edges, first), torch.searchsorted(edges, second))


def _rows(scores: Tensor, few: Tensor) -> tuple[Any, Any]:
    """Scores and the bytes that say which are passed over, flat."""
    flags = few.contiguous().view(torch.uint8)
    return scores.detach().contiguous().view(-1).numpy(), flags.view(-1).numpy()
