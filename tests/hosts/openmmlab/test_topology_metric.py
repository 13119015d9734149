"""The metric shell counts by hand-checked numbers, one item a sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seglosses.hosts.openmmlab.topology_metric import TopologyMetric
from seglosses.metrics import Pair, betti_matching_error, windowed_betti_errors
from seglosses.registry import METRICS
from seglosses.topology import matching_error

RING = [
    [1, 1, 1, 0, 0, 0],
    [1, 0, 1, 0, 0, 0],
    [1, 1, 1, 0, 0, 0],
]
BROKEN_AND_ISLAND = [
    [1, 1, 1, 0, 0, 0],
    [1, 0, 0, 0, 0, 1],
    [1, 1, 1, 0, 0, 0],
]


def sample(pred: object, target: object) -> dict:
    return {
        "pred_sem_seg": {"data": torch.tensor(pred)[None]},
        "gt_sem_seg": {"data": torch.tensor(target)[None]},
    }


def score(metric: TopologyMetric, samples: list[dict]) -> dict[str, float]:
    metric.dataset_meta = {"classes": ("wall", "mortar")}
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_means_of_counts() -> None:
    metric = METRICS.build({"type": "TopologyMetric", "window": 3})
    samples = [sample(RING, RING), sample(BROKEN_AND_ISLAND, RING)]
    metric.dataset_meta = {"classes": ("wall", "mortar")}
    metric.process(None, samples)
    assert len(metric.results) == len(samples)
    assert metric.evaluate(len(samples)) == {
        "topology/betti_matching_error": 1.0,  # nothing, and an island and a loop
        "topology/betti0_error": 0.5,
        "topology/betti0_matching_error": 0.5,
        "topology/betti1_error": 0.5,
        "topology/betti1_matching_error": 0.5,
        "topology/betti0_error_window": 0.25,  # one of two windows has the island
        "topology/betti1_error_window": 0.25,  # the other one the loop
    }


def test_samples_that_fill_up_the_last_batch_do_not_count() -> None:
    """What a distributed sampler repeats to give every process the same number of samples."""
    metric = TopologyMetric(window=None)
    metric.dataset_meta = {"classes": ("wall", "mortar")}
    metric.process(None, [sample(RING, RING)] + [sample(BROKEN_AND_ISLAND, RING)] * 2)
    assert metric.evaluate(2)["topology/betti_matching_error"] == 1.0


def test_ignored_pixels_are_background_to_both() -> None:
    target = np.array(RING)
    target[:, 5] = 255
    scores = score(TopologyMetric(), [sample(BROKEN_AND_ISLAND, target.tolist())])
    assert scores["topology/betti0_matching_error"] == 0
    assert scores["topology/betti1_matching_error"] == 1


def test_released_counts_and_connectivity() -> None:
    generator = np.random.default_rng(0)
    pred, target = generator.integers(0, 2, (2, 12, 12))
    for options in ({"tie_breaking": "released"}, {"connectivity": 4}, {"connectivity": 8}):
        whole = options.get("tie_breaking") != "released"
        expected = matching_error(pred, target, count_essential=whole, **options)
        scores = score(TopologyMetric(**options), [sample(pred, target)])
        assert scores["topology/betti_matching_error"] == expected.total


def test_several_classes_are_averaged() -> None:
    labels = np.random.default_rng(1).integers(0, 3, (2, 10, 10))
    metric = TopologyMetric(window=5)
    metric.dataset_meta = {"classes": ("sky", "road", "car")}
    metric.process(None, [sample(*labels)])
    scores = metric.evaluate(1)
    pairs = [Pair(labels[0] == c, labels[1] == c) for c in (1, 2)]
    errors = [betti_matching_error(pair, 0) for pair in pairs]
    assert scores["topology/betti0_matching_error"] == np.mean(errors)
    windows = [windowed_betti_errors(pair, window=5)[1] for pair in pairs]
    assert scores["topology/betti1_error_window"] == pytest.approx(np.mean(windows))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"connectivity": 6}, "4 or 8"),
        ({"tie_breaking": "mine"}, "'none' or 'released'"),
        ({"window": 0}, "at least 1"),
    ],
)
def test_options_are_checked(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TopologyMetric(**options)


def test_classes_must_exist() -> None:
    with pytest.raises(ValueError, match="no class 5"):
        score(TopologyMetric(classes=[5]), [sample(RING, RING)])
