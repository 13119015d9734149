"""Kernels that carry labels through merges, on merges written down by hand."""

from __future__ import annotations

import numpy as np

from seglosses.topology.kernels import replays
from seglosses.topology.kernels.forests import NONE

VALUE = 1 << 32


def of(*values: int, dtype: type = np.int32) -> np.ndarray:
    return np.array(values, dtype)


def test_the_younger_of_two_births_dies_and_is_sure_where_it_is_older_than_the_merge() -> None:
    # three cells that are basins; 0 and 1 meet at 4, then 2 joins them at 5
    ids, dirs, steps = of(1, 2, 3), of(0, 0, 0, dtype=np.uint8), of(0, dtype=np.int64)
    merges = of(0, 0), of(1, 2), of(4 * VALUE, 5 * VALUE, dtype=np.int64)
    births = of(1 * VALUE, 3 * VALUE + 1, 6 * VALUE + 2, dtype=np.int64)
    basins, early, dying, sure = replays.carry(births, (np.int64(0), ids, dirs, steps), 3, merges)
    assert basins.tolist() == [0, 1, 2]
    assert early.tolist() == births.tolist()
    assert dying.tolist() == [3 * VALUE + 1, 6 * VALUE + 2]
    assert sure.tolist() == [True, False]
    _, early, dying, _ = replays.carry(births[1:2], (np.int64(0), ids, dirs, steps), 3, merges)
    assert early.tolist() == [NONE, births[1], NONE]
    assert dying.tolist() == [NONE, NONE]


def test_a_merge_promises_where_no_sure_label_forbids_it() -> None:
    lives = of(1, 1, 1, 1, 0, dtype=bool)
    one = of(0, 1, 1, 1, 0, dtype=bool), of(-1, -1, 7, 7, 7)
    two = of(1, 1, 0, 1, 0, dtype=bool), of(5, 5, -1, 5, 5)
    wanted, first, second = replays.promising(lives, one, two)
    assert wanted.tolist() == [True, False, True, True, False]
    assert (first, second) == (True, True)
    wanted, first, second = replays.promising(lives[3:], *((a[3:], b[3:]) for a, b in (one, two)))
    assert wanted.tolist() == [True, False]
    assert (first, second) == (False, False)


def test_a_basin_has_hope_where_one_of_its_births_is_worth_having() -> None:
    merges = of(0), of(1), of(5 * VALUE, dtype=np.int64)
    early = of(VALUE, 7 * VALUE, dtype=np.int64)  # the second came too early to be sure
    for worth in ([True, False], [False, True]):
        wanted = of(1, dtype=bool)
        marked, some = replays.mark_unsure(merges, wanted, of(*worth, dtype=bool), of(1, 1), early)
        assert some
        assert wanted.tolist() == [True]
        assert marked.tolist() == [False, True]
    wanted = of(1, dtype=bool)
    marked, some = replays.mark_unsure(merges, wanted, of(0, 0, dtype=bool), of(1, 1), early)
    assert not some
    assert not wanted.any()
    assert not marked.any()


def test_pairs_are_listed_where_both_end() -> None:
    wanted = of(1, 1, 0, 1, dtype=bool)
    first, second = replays.both_end(wanted, of(3, -1, 4, 5), of(8, 9, 9, 7))
    assert (first.tolist(), second.tolist()) == ([3, 5], [8, 7])


def test_what_ends_is_turned_around() -> None:
    known, fate = of(1, 0, 1, 1, dtype=bool), of(2, 1, -1, 0)
    end, seen = replays.ends_by_bar(known, fate, of(4, 5, 6), 8)
    assert end.tolist() == [3, -1, 0]
    assert np.flatnonzero(seen).tolist() == [4, 6]


def test_matched_bars_are_parted_from_the_others() -> None:
    bars = np.arange(6).reshape(3, 2)
    matched, rest = replays.split_bars(bars, of(1, 0, 1, 1, dtype=bool), of(3, 0))
    assert matched.tolist() == [[4, 5], [0, 1]]
    assert rest.tolist() == [[2, 3]]
