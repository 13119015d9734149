"""Induced matchings between the bars of two forests through those of a comparison forest.

A bar of one image and a bar of the other are matched when both are seen in the same bar of the
comparison image. Two readings, one for each end of the bars, cover all cases:

* :func:`match_by_edges`: the comparison is merged and carries the labels of the two inputs; bars
  whose labels die at the same edge belong together.
* :func:`match_by_cells`: each input is merged and carries the labels of the comparison; bars that
  end with the same label belong together.

A basin carries the labels of all its cells from the start. That is exact unless the label reaches
its component only at or after the merge at which it is asked for. Those merges are the *empty*
image intervals: the theory ignores them, the released implementations do not. ``exact=True``
settles them by letting the cells of the basins concerned join one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.topology.forests import OUTER, Forest, Mask
from seglosses.topology.kernels import forests as kernels
from seglosses.topology.kernels import replays
from seglosses.topology.sides import Codes, Ints


def match_by_edges(a: Forest, b: Forest, comparison: Forest, *, exact: bool) -> tuple[Ints, Ints]:
    """Match bars of two inputs that end at the same edge of the comparison.

    Args:
        a: Forest of the first input.
        b: Forest of the second input.
        comparison: Forest of the comparison; its sublevel sets contain those of the inputs (its
            superlevel sets in the dual forest).
        exact: Whether empty image intervals match too.

    Returns:
        Merges of ``a`` and merges of ``b``, matched one to one.
    """
    wanted = comparison.lives.copy()
    labels = [_Labels(comparison, source) for source in (a, b)]
    fates = [label.source.fates(label.dying) for label in labels]
    for label, fate in zip(labels, fates, strict=True):
        wanted &= ~label.sure | (fate >= 0)
    for label, fate in zip(labels, fates, strict=True):
        if exact:
            unsure = label.settle(wanted & ~label.sure, label.source.fate >= 0)
            fate[unsure] = label.source.fates(label.dying[unsure])
            wanted &= label.sure | (fate >= 0)
        else:
            wanted &= label.sure
    both = np.flatnonzero(wanted & (fates[0] >= 0) & (fates[1] >= 0))
    return fates[0][both], fates[1][both]


def match_by_cells(a: Forest, b: Forest, comparison: Forest, *, exact: bool) -> tuple[Ints, Ints]:
    """Match bars of two inputs that carry the same cell of the comparison when they end.

    Args:
        a: Forest of the first input.
        b: Forest of the second input.
        comparison: Forest of the comparison; its superlevel sets are contained in those of the
            inputs (its sublevel sets in the primal forest).
        exact: Whether empty image intervals match too.

    Returns:
        Merges of ``a`` and merges of ``b``, matched one to one.
    """
    useful = comparison.fate >= 0
    ends: dict[int, Ints] = {}
    # The side with fewer bars first: what it does not see need not be settled on the other.
    for which in sorted((0, 1), key=lambda k: int((a, b)[k].lives.sum())):
        forest = (a, b)[which]
        label = _Labels(forest, comparison)
        known = forest.lives & label.sure
        if exact:
            known[label.settle(forest.lives & ~label.sure, useful)] = True
        merges = np.flatnonzero(known & (comparison.fates(label.dying) >= 0))
        # Bars of the comparison, as its merges; each dies with its cell, once.
        end = np.full(comparison.win.size, -1, np.int32)
        end[comparison.fates(label.dying[merges])] = merges
        ends[which] = end
        useful = np.zeros(useful.size, bool)
        useful[comparison.lose[end >= 0]] = True
    both = np.flatnonzero(comparison.lives & (ends[0] >= 0) & (ends[1] >= 0))
    return ends[0][both], ends[1][both]


class _Labels:
    """The oldest cell of one filtration, carried through the merges of another."""

    def __init__(self, runner: Forest, source: Forest) -> None:
        self.runner = runner
        self.source = source
        self.basins = runner.basins(source.roots)
        self.early = np.full(runner.age.size, kernels.NONE, np.int64)
        replays.least_label(self.basins, source.age, self.early)
        self.dying = np.empty(runner.win.size, np.int64)
        replays.replay(runner.win, runner.lose, self.early.copy(), self.dying)
        self.sure: Mask = (self.dying >> 32) < (runner.codes >> 32)

    def settle(self, wanted: Mask, births: Mask) -> NDArray[Any]:
        """Find the true dying label of merges where it came early.

        Args:
            wanted: Merges to settle.
            births: Basins of the source whose label is worth having.

        Returns:
            The merges that were settled; their ``dying`` is updated. The others have none.
        """
        runner, size = self.runner, self.early.size
        wanted = wanted.copy()
        if not wanted.any():
            return np.flatnonzero(wanted)
        hope = np.zeros(size, bool)
        hope[self.basins[births]] = True
        marked = np.zeros(size, bool)
        replays.mark_unsure(
            runner.win,
            runner.lose,
            runner.codes,
            wanted,
            hope,
            self.early.copy(),
            np.arange(size, dtype=np.int32),
            np.arange(size, dtype=np.int32),
            marked,
        )
        settled = np.flatnonzero(wanted)
        if settled.size:
            self.dying[settled] = self._exact(np.flatnonzero(marked).astype(np.int32))[settled]
        return settled

    def _exact(self, nodes: Ints) -> Codes:
        runner, side, key = self.runner, self.runner.side, self.runner.key
        roots = runner.roots[nodes]
        cells: Ints = np.empty(key.size, np.int32)
        basins: Ints = np.empty(key.size, np.int32)
        count = replays.gather_members(roots, nodes, runner.dirs, side.steps, cells, basins)
        cells, basins = cells[:count], basins[:count]
        edges = side.axes * cells.astype(np.int64) + side.joins[runner.dirs[cells]]
        joins = ((side.values(key, cells) << 32) | edges) ^ side.flip
        order = np.argsort(joins)
        labels = side.codes(self.source.key, cells[order])
        label = self.early.copy()
        label[nodes] = side.codes(self.source.key, roots)
        label[runner.age == OUTER] = OUTER
        dying = np.empty(runner.win.size, np.int64)
        replays.replay_exactly(
            runner.win,
            runner.lose,
            runner.codes,
            label,
            joins[order],
            basins[order],
            labels,
            np.arange(label.size, dtype=np.int32),
            dying,
        )
        return dying
