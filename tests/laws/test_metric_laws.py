"""Every metric keeps the laws of metrics; the exceptions are named, and each is one."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from seglosses import metrics
from seglosses.laws.masks import METRIC_LAWS, PERFECT, Metric, Trial, examine_pair, random_trial
from seglosses.laws.metrics import EXEMPT_METRICS, METRICS


def broken(count: int, seed: int, exempt: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    rng = np.random.default_rng(seed)
    return [
        (finding.words.split(" is ")[0], finding.law)
        for _ in range(count)
        for finding in examine_pair(random_trial(rng), METRICS, exempt)
    ]


#: What makes or reads probabilities and gives no score.
NO_METRICS = {"fit_temperature", "negative_log_likelihood", "scaled_probabilities"}


def test_every_metric_is_examined() -> None:
    exported = {name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))}
    examined = {name.split("(")[0] for group in METRICS for name in group.split(", ")}
    assert exported - NO_METRICS <= examined


def test_random_pairs_keep_the_laws() -> None:
    assert broken(40, 0, EXEMPT_METRICS) == []


@pytest.mark.slow
def test_many_random_pairs_keep_the_laws() -> None:
    assert broken(600, 1, EXEMPT_METRICS) == []


@pytest.mark.slow
def test_every_exception_is_one() -> None:
    # Ties that decide come once in hundreds of pairs, or in thousands.
    often = {key for key, reason in EXEMPT_METRICS.items() if "reading order" not in reason}
    seen = set(broken(100, 2, {}))
    assert often <= seen <= set(EXEMPT_METRICS)


SMALL = Trial(np.eye(3, 5, dtype=bool), np.eye(3, 5, 1, dtype=bool), (1.0, 2.0))
SCORES = {
    "axes_may_change_places": lambda pair: pair.shape[0],
    "mirror_images_score_the_same": lambda pair: pair.uncropped()[0][0].argmax(),
    "turned_images_score_the_same": lambda pair: pair.spacing[0],
    "empty_margins_do_not_matter": lambda pair: np.prod(pair.shape),
    "masks_may_change_places": lambda pair: pair.uncropped()[0].argmax(),
    "order_in_memory_is_irrelevant": lambda pair: pair.pred.strides[-1] == 1,
    PERFECT: lambda pair: 0,
}


@pytest.mark.parametrize("law", [*METRIC_LAWS, PERFECT])
def test_each_law_catches_who_breaks_it(law: str) -> None:
    metric = Metric("mine", lambda pair: (float(SCORES[law](pair)),), perfect=(1.0,))
    assert law in {finding.law for finding in examine_pair(SMALL, {"mine": metric})}
