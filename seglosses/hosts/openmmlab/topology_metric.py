"""A metric shell for the errors of topology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.settings import is_background
from seglosses.hosts.openmmlab.directions import DirectedMetric, Rule
from seglosses.hosts.openmmlab.samples import check_labels
from seglosses.hosts.openmmlab.scores import warn_of_no_score
from seglosses.metrics import EmptyPolicy, Pair, betti_error, windowed_betti_errors
from seglosses.metrics.empty import policy
from seglosses.registry import METRICS
from seglosses.topology import matching_error
from seglosses.topology.errors import TieBreaking

SHOWN = "classes that the label shows"


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
        return dict.fromkeys([*self._score(Pair([[0]], [[0]])), "undefined"], "less")

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Score one batch."""
        for sample in data_samples:
            pred, target = _labels(sample["pred_sem_seg"]), _labels(sample["gt_sem_seg"])
            check_labels(target, self._count(), self.ignore_index, sample, type(self))
            valid = target != self.ignore_index
            pairs = [
                Pair(
                    (pred == index) & valid,
                    (target == index) & valid,
                    connectivity=self.connectivity,
                    empty=self.empty,
                )
                for index in self._classes()
            ]
            defined = [pair for pair in pairs if not pair.left_out]
            rows = [self._score(pair) for pair in defined]
            result = (
                {key: float(np.mean([r[key] for r in rows])) for key in rows[0]} if rows else {}
            )
            result[SHOWN] = sum(not pair.target_empty for pair in pairs)
            result["undefined"] = len(pairs) - len(defined)
            self.results.append(result)

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Means over all images of all processes."""
        means: dict[str, float] = {}
        for key in self._score(Pair([[0]], [[0]])):
            found = [result[key] for result in results if key in result]
            means[key] = float(np.mean(found)) if found else float("nan")
        if results and not sum(result[SHOWN] for result in results):
            means = dict.fromkeys(means, float("nan"))
            warn_of_no_score(self.ignore_index, [str(index) for index in self._classes()])
        undefined = sum(result["undefined"] for result in results)
        return {**means, "undefined": undefined} if undefined else means

    def _score(self, pair: Pair) -> dict[str, float]:
        pred, target = pair.uncropped()
        error = matching_error(
            pred,
            target,
            connectivity=self.connectivity,
            tie_breaking=self.tie_breaking,
            count_essential=self.tie_breaking == "none",
        )
        scores: dict[str, float] = {"betti_matching_error": error.total}
        for dim, count in enumerate(error.by_dimension):
            scores[f"betti{dim}_error"] = betti_error(pair, dim)
            scores[f"betti{dim}_matching_error"] = count
        if self.window is not None:
            for dim, mean in enumerate(windowed_betti_errors(pair, window=self.window)):
                scores[f"betti{dim}_error_window"] = mean
        return scores

    def _count(self) -> int:
        return len((self.dataset_meta or {}).get("classes") or "ab")

    def _classes(self) -> Sequence[int]:
        count = self._count()
        chosen = self.classes
        if chosen is None:
            names = (self.dataset_meta or {}).get("classes") or "ab"
            several = count > 2
            chosen = [
                i for i in range(1, max(count, 2)) if not (several and is_background(names[i]))
            ]
        if wrong := [index for index in chosen if not 0 <= index < count]:
            raise ValueError(f"no class {wrong[0]} in a data set with {count} classes")
        return chosen


def _labels(pixel_data: Mapping[str, Any]) -> NDArray[Any]:
    """The (1, H, W) class indices of a sample as (H, W)."""
    labels: NDArray[Any] = pixel_data["data"][0].cpu().numpy()
    return labels
