"""A metric shell for the errors of topology."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seglosses.evaluate.accumulator import Scores
from seglosses.evaluate.settings import is_background
from seglosses.evaluate.spread import nanmean
from seglosses.hosts.openmmlab.directions import DirectedMetric, Rule
from seglosses.hosts.openmmlab.samples import check_labels
from seglosses.hosts.openmmlab.scores import (
    array_of,
    check_classes,
    class_names,
    warn_of_no_score,
)
from seglosses.metrics import EmptyPolicy, TieBreaking
from seglosses.metrics.empty import policy
from seglosses.registry import METRICS

TOTAL = "betti_matching_error"


@METRICS.register_module()
class TopologyMetric(DirectedMetric):
    """Betti number errors and the Betti matching error during validation and testing.

    Means over images (over classes first where there are several), lower is better::

        topology/betti0_error            |difference of the numbers of components|, 1 of loops
        topology/betti0_error_window     the same window by window, where errors cannot cancel
        topology/betti0_matching_error   components without a counterpart in the other mask
        topology/betti_matching_error    the sum over dimensions
        topology/undefined               how many pairs of image and class count in no mean, where
                                         there are any, because both masks lack the class

    Where no label shows a class that counts there is no score: all means are NaN, and the log says
    why.

    Every process keeps one item a sample, so padding samples of a distributed sampler are cut off
    and the means are exact.

    Args:
        classes: Class indices to score; None for class 1 of two classes, all but 0 and the one
            named background of more.
        connectivity: Of the foreground, 8 or 4; None for 8.
        tie_breaking: 'none' counts matched features without a choice among ties; 'released' gives
            the numbers of the released programs (4-connected unless ``connectivity`` is given, and
            one component of each mask left out).
        window: Side of the windows, pixels; None leaves these two errors out.
        ignore_index: Label that does not count; such pixels are background to both masks.
        empty: What an empty mask means, see :data:`seglosses.metrics.empty.POLICIES`.
        collect_device: Where mmengine gathers results, ``'cpu'`` or ``'gpu'``.
        prefix: First part of the keys.

    Raises:
        ValueError: For an unknown option.
    """

    default_prefix = "topology"

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        connectivity: int | None = None,
        tie_breaking: TieBreaking = "none",
        window: int | None = 64,
        ignore_index: int = 255,
        empty: EmptyPolicy = "skip",
        collect_device: str = "cpu",
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if connectivity not in (None, 4, 8):
            raise ValueError(f"connectivity must be 4 or 8, got {connectivity!r}")
        if tie_breaking not in ("none", "released"):
            raise ValueError(f"tie_breaking must be 'none' or 'released', got {tie_breaking!r}")
        if window is not None and window < 1:
            raise ValueError(f"window must be at least 1 pixel, or None, got {window}")
        self.classes = classes
        self.connectivity = connectivity
        self.tie_breaking = tie_breaking
        self.window = window
        self.ignore_index = ignore_index
        self.empty = policy(empty)

    def directions(self) -> dict[str, Rule]:
        """Less is better of all: they are errors, and what is undefined."""
        return dict.fromkeys([TOTAL, *self.columns, "undefined"], "less")

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Score one batch."""
        scores = self._scores()
        for sample in data_samples:
            pred, target = array_of(sample["pred_sem_seg"]), array_of(sample["gt_sem_seg"])
            check_labels(target, len(self._names()), self.ignore_index, sample, type(self))
            self.results += scores.measure([pred], [target])

    def compute_metrics(self, results: list[list[dict[str, float]]]) -> dict[str, float]:
        """Means over all images of all processes."""
        scores = self._scores()
        scores.add(results)
        found = scores.local()
        of_images = {
            key: nanmean(scores.table.matrix(key), axis=1)[:, None] for key in self.columns
        }
        of_images[TOTAL] = of_images["betti0_matching_error"] + of_images["betti1_matching_error"]
        means = {key: float(nanmean(of_images[key], axis=0)[0]) for key in (TOTAL, *self.columns)}
        if found.evaluation.no_score:
            means = dict.fromkeys(means, float("nan"))
            warn_of_no_score(self.ignore_index, [str(index) for index in self._classes()])
        return {**means, "undefined": found.undefined} if found.undefined else means

    @property
    def columns(self) -> list[str]:
        """Names of the columns of ``seglosses evaluate`` that are read."""
        windows = "" if self.window is None else "_window"
        kinds = ["", "_matching", *([windows] if windows else [])]
        names = {"": "error", "_matching": "matching_error", "_window": "error_window"}
        return [f"betti{dim}_{names[kind]}" for dim in (0, 1) for kind in kinds]

    def _scores(self) -> Scores:
        """The accumulator of a data set's classes; mmengine gathers what it measures."""
        options = {} if self.window is None else {"window": self.window}
        return Scores(
            self.columns,
            self._names(),
            scored=self._classes(),
            ignore_index=self.ignore_index,
            form="labels",
            connectivity=self.connectivity,
            empty=self.empty,
            options={"tie_breaking": self.tie_breaking, **options},
            gather=False,
        )

    def _names(self) -> Sequence[str]:
        return class_names(self.dataset_meta)

    def _classes(self) -> Sequence[int]:
        names, chosen = self._names(), self.classes
        check_classes(chosen, names)
        if chosen is not None:
            return chosen
        several = len(names) > 2
        return [i for i in range(1, len(names)) if not (several and is_background(names[i]))]
