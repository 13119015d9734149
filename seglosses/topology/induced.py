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
    labels = [_Labels(comparison, source) for source in (a, b)]
    fates = [label.source.fates(label.dying) for label in labels]
    told = ((label.sure, fate) for label, fate in zip(labels, fates, strict=True))
    wanted, *unsure = replays.promising(comparison.lives, *told)
    for label, fate, some in zip(labels, fates, unsure, strict=True):
        if not exact:
            wanted &= label.sure
        elif some:
            settled = label.settle(wanted & ~label.sure, label.source.fate >= 0)
            fate[settled] = label.source.fates(label.dying[settled])
            wanted &= label.sure | (fate >= 0)
    one, two = replays.both_end(wanted, *fates)
    return one, two


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
    for which in sorted((0, 1), key=lambda k: np.count_nonzero((a, b)[k].lives)):
        forest = (a, b)[which]
        label = _Labels(forest, comparison)
        known = forest.lives & label.sure
        if exact:
            known[label.settle(forest.lives & ~label.sure, useful)] = True
        # Bars of the comparison, as its merges; each dies with its cell, once.
        fate = comparison.fates(label.dying)
        ends[which], useful = replays.ends_by_bar(known, fate, comparison.lose, useful.size)
    one, two = replays.both_end(comparison.lives, ends[0], ends[1])
    return one, two


class _Labels:
    """The oldest cell of one filtration, carried through the merges of another."""

    def __init__(self, runner: Forest, source: Forest) -> None:
        self.runner = runner
        self.source = source
        forest = np.int64(runner.side.flip), runner.ids, runner.dirs, runner.side.steps
        self.merges = runner.win, runner.lose, runner.codes
        self.basins, self.early, self.dying, sure = replays.carry(
            source.age, forest, runner.age.size, self.merges
        )
        self.sure: Mask = sure

    def settle(self, wanted: Mask, births: Mask) -> NDArray[Any]:
        """Find the true dying label of merges where it came early.

        Args:
            wanted: Merges to settle.
            births: Basins of the source whose label is worth having.

        Returns:
            The merges that were settled; their ``dying`` is updated. The others have none.
        """
        unsure = wanted.copy()
        if not unsure.any():
            return np.flatnonzero(unsure)
        marked, some = replays.mark_unsure(self.merges, unsure, births, self.basins, self.early)
        settled = np.flatnonzero(unsure)
        if some:
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
