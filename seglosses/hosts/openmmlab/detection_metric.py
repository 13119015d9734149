"""Placement and calibration of detections as a metric of mmengine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from seglosses.metrics.detection import Matches, match, pool
from seglosses.metrics.detection_calibration import detection_scores
from seglosses.registry import METRICS


@METRICS.register_module()
class DetectionMetric(BaseMetric):
    """How well matched boxes fit, and whether scores mean what they say.

    Use it beside CocoMetric, which has the average precision. The objects come with each sample, so
    the test pipeline needs ``LoadAnnotations`` and ``'instances'`` among the ``meta_keys``. Numbers
    that are not defined, as the IoU without a match, are left out of the result, for NaN would
    silently break ``save_best``.

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

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Match each sample of a batch."""
        for sample in data_samples:
            if "instances" not in sample:
                raise ValueError(
                    "DetectionMetric found no 'instances' in a sample: add LoadAnnotations to the"
                    " test pipeline and 'instances' to the meta_keys of PackDetInputs"
                )
            objects = [o for o in sample["instances"] if not o.get("ignore_flag", 0)]
            found = sample["pred_instances"]
            scores = found["scores"].cpu().numpy()
            kept = scores > self.score_threshold
            self.results.append(
                match(
                    found["bboxes"].cpu().numpy()[kept],
                    scores[kept],
                    found["labels"].cpu().numpy()[kept],
                    np.array([o["bbox"] for o in objects]).reshape(-1, 4),
                    np.array([o["bbox_label"] for o in objects], np.int64),
                    iou_threshold=self.iou_threshold,
                )
            )

    def compute_metrics(self, results: list[Matches]) -> dict[str, float]:
        """Numbers of all samples together."""
        values = detection_scores(
            # mmengine copies results to the CPU, and named tuples lose their names there
            pool([Matches(*one) for one in results]),
            iou_threshold=self.iou_threshold,
            bandwidth=self.bandwidth,
            kernel_limit=self.kernel_limit,
        )
        return {name: value for name, value in values.items() if math.isfinite(value)}
