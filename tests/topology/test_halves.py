"""Loops of a volume beside a label: the short way against the long one and against the book."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from seglosses.topology import betti_matching, volumes
from seglosses.topology.filtration import order_keys
from seglosses.topology.label_bars import LabelBars
from tests.topology.oracle import matching as by_the_book

KINDS = ("uniform", "levels", "near", "saturated", "mask")
OPTIONS = [
    dict(filtration=f, construction=c, comparison=j, image_intervals=i)
    for f, c, j, i in product(
        ("superlevel", "sublevel"), "VT", ("union", "intersection"), ("all", "positive")
    )
]


def pair(seed: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A prediction of a kind that goes with the seed, and a label."""
    rng, kind = np.random.default_rng(seed), KINDS[seed % len(KINDS)]
    blobs = ndimage.gaussian_filter(rng.normal(size=shape), 0.6) > 0
    label = blobs.astype(np.float32)
    label.flat[0], label.flat[-1] = 0, 1
    if kind == "uniform":
        pred = rng.random(shape)
    elif kind == "levels":
        pred = rng.integers(0, 5, shape) / 4
    elif kind == "mask":
        pred = rng.random(shape) > 0.5
    else:
        pred = label + rng.normal(0, 0.6 if kind == "saturated" else 0.2, shape)
    return np.clip(np.asarray(pred, np.float32), 0, 1), label


def as_sets(found) -> list[list[set]]:
    columns = (found.matched, found.unmatched_a, found.unmatched_b)
    return [[set(map(tuple, rows.tolist())) for rows in column] for column in columns]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options.values()))
@pytest.mark.parametrize("relative", [False, True])
def test_a_label_makes_it_shorter_and_changes_nothing(options, relative, monkeypatch) -> None:
    pairs = [pair(seed, (5, 6, 7)) for seed in range(5)]
    pairs += [(label, pred) for pred, label in pairs[:2]]
    short = [as_sets(betti_matching(*images, relative=relative, **options)) for images in pairs]
    monkeypatch.setattr(volumes, "_label_among", lambda keys: None)
    long = [as_sets(betti_matching(*images, relative=relative, **options)) for images in pairs]
    assert short == long
    assert sum(len(rows) for found in long for rows in found[0]) > 0


@pytest.mark.parametrize("comparison", ["union", "intersection"])
@pytest.mark.parametrize("intervals", ["all", "positive"])
@pytest.mark.parametrize("seed", range(5))
def test_a_label_and_the_book(seed, comparison, intervals) -> None:
    images = pair(seed, (4, 3, 4))
    found = betti_matching(
        *images, filtration="sublevel", comparison=comparison, image_intervals=intervals
    )
    expected = by_the_book(*images, union=comparison == "union", positive=intervals == "positive")
    assert as_sets(found)[0] == expected


def test_only_a_label_that_bounds_the_other_volume_is_taken_for_one() -> None:
    pred, label = pair(2, (3, 4, 5))
    assert volumes._label_among(order_keys(pred, label)) == 1
    assert volumes._label_among(order_keys(label, pred)) == 0
    assert volumes._label_among(order_keys(pred * 1.5, label)) is None
    assert volumes._label_among(order_keys(pred, np.zeros_like(label))) is None


def test_two_threads_find_what_one_finds() -> None:
    soft = pair(0, (6, 7, 5))[0]
    for images in (pair(2, (6, 7, 5)), (pair(2, (6, 7, 5))[0], soft)):
        one, two = (as_sets(betti_matching(*images, threads=k)) for k in (1, 2))
        assert one == two


def test_a_label_that_is_remembered_is_one_of_the_same_options() -> None:
    known = LabelBars(1000)
    for seed in range(8):
        pred, label = pair(seed, (4, 5, 6))
        for options, relative in product(OPTIONS, (False, True)):
            for images in ((pred, label), (label, pred)):
                found, again = (
                    betti_matching(*images, relative=relative, remembered=bars, **options)
                    for bars in (None, known)
                )
                assert as_sets(found) == as_sets(again), (seed, options, relative)
