"""Placement and calibration of detections as a metric of mmengine."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.hosts.openmmlab.directions import DirectedMetric, Rule
from seglosses.metrics.detection import Matches, match, pool
from seglosses.metrics.detection_calibration import detection_scores
from seglosses.registry import METRICS


@METRICS.register_module()
class DetectionMetric(DirectedMetric):
    """How well matched boxes fit, and whether scores mean what they say.

    Use it beside CocoMetric, which has the average precision. The objects come with each sample, so
    the test pipeline needs ``LoadAnnotations`` and ``'instances'`` among the ``meta_keys``. Numbers
    that are not defined, as the IoU without a match, are left out of the result, for NaN would
    silently break ``save_best``.

    Objects with an ``ignore_flag`` (crowds) are regions: detections in them are left out. When no
    detection of a validation scores more than ``score_threshold``, a warning says so once, for
    the recall of 0 is then the threshold's.

    Args:
        iou_threshold: Least IoU of a match.
        score_threshold: Detections that do not score more are left out.
        bandwidth: Of the kernel estimate of the calibration error.
        kernel_limit: Detections, the best ones, that the kernel estimate compares with each other.
        collect_device: See :class:`mmengine.evaluator.BaseMetric`.
        prefix: Of the names in the log.
    """

    default_prefix = "detection"

    def __init__(
        self,
        iou_threshold: float = 0.5,
        score_threshold: float = 0.05,
        bandwidth: float = 0.05,
        kernel_limit: int = 4000,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.iou_threshold = iou_threshold
        self.score_threshold = score_threshold
        self.bandwidth = bandwidth
        self.kernel_limit = kernel_limit
        self._warned = False

    def directions(self) -> dict[str, Rule]:
        """More is better, of errors of calibration less."""
        keys = detection_scores(pool([]))
        return {key: "less" if key.endswith("_ece") else "greater" for key in keys}

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Match each sample of a batch."""
        for sample in data_samples:
            if "instances" not in sample:
                raise ValueError(
                    "DetectionMetric found no 'instances' in a sample: add LoadAnnotations to the"
                    " test pipeline and 'instances' to the meta_keys of PackDetInputs"
                )
            objects = [o for o in sample["instances"] if not o.get("ignore_flag", 0)]
            crowds = [o for o in sample["instances"] if o.get("ignore_flag", 0)]
            found = sample["pred_instances"]
            scores = found["scores"].cpu().numpy()
            kept = scores > self.score_threshold
            matches = match(
                found["bboxes"].cpu().numpy()[kept],
                scores[kept],
                found["labels"].cpu().numpy()[kept],
                *_boxes(objects),
                crowd_boxes=_boxes(crowds)[0],
                crowd_labels=_boxes(crowds)[1],
                iou_threshold=self.iou_threshold,
            )
            best = float(scores.max()) if len(scores) else math.nan
            self.results.append((matches, best, len(scores)))

    def compute_metrics(self, results: list[tuple[Matches, float, int]]) -> dict[str, float]:
        """Numbers of all samples together."""
        # mmengine copies results to the CPU, and named tuples lose their names there
        matches = pool([Matches(*one) for one, _, _ in results])
        found = sum(count for _, _, count in results)
        if found and not len(matches.score) and not matches.ignored and not self._warned:
            self._warned = True
            best = max(score for _, score, count in results if count)
            warnings.warn(
                f"DetectionMetric: none of {found} detections scores more than score_threshold="
                f"{self.score_threshold:g} (the best one {best:.3g}), so recall is 0 whatever was"
                " found; lower score_threshold, or train longer",
                stacklevel=2,
            )
        values = detection_scores(
            matches,
            iou_threshold=self.iou_threshold,
            bandwidth=self.bandwidth,
            kernel_limit=self.kernel_limit,
        )
        return {name: value for name, value in values.items() if math.isfinite(value)}


def _boxes(instances: Sequence[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Corners (n, 4) and classes (n,)."""
    corners = np.array([one["bbox"] for one in instances], np.float64).reshape(-1, 4)
    return corners, np.array([one["bbox_label"] for one in instances], np.int64)
