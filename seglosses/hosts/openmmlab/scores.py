"""A metric shell that scores label maps with everything ``seglosses evaluate`` knows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log
from numpy.typing import NDArray

from seglosses.evaluate.codes import IGNORED, LabelCode
from seglosses.evaluate.loading import LabelMaps
from seglosses.evaluate.measures import COLUMNS, choose_columns
from seglosses.evaluate.options import Options
from seglosses.evaluate.scoring import score_class
from seglosses.evaluate.settings import Settings
from seglosses.evaluate.summary import MACRO, SummaryRow, shows_foreground, summarize
from seglosses.evaluate.table import Table
from seglosses.hosts.openmmlab.directions import DirectedMetric, Rule
from seglosses.hosts.openmmlab.samples import check_labels, refuse_views
from seglosses.metrics import EmptyPolicy
from seglosses.metrics.empty import is_left_out, policy
from seglosses.registry import METRICS


@METRICS.register_module()
class SegmentationScores(DirectedMetric):
    """Score predictions of mmseg during validation and testing.

    The numbers are those of ``seglosses evaluate`` on the same label maps: means over images, a
    key a metric (``scores/cldice``), and with several classes also one per metric and class
    (``scores/cldice.road``). Choose the best checkpoint with ``save_best='scores/cldice'``; the
    rule is known, see :mod:`seglosses.hosts.openmmlab.directions`.

    Args:
        metrics: Groups or names of columns, see ``seglosses evaluate --help``; None for all.
        classes: Class indices to score; None for class 1 of two classes, all classes of more.
        ignore_index: Ground-truth value that does not count.
        options: Parameters of metrics, keywords of :class:`seglosses.evaluate.Options`.
        connectivity: 8 or 4; None for 8.
        empty: What to do where a mask is empty, see :data:`seglosses.metrics.empty.POLICIES`; by
            default a class that both masks lack counts in no mean, and ``scores/undefined`` says
            in how many pairs of image and class that is so.
        probabilities: Whether to score the calibration of ``seg_logits`` too.
        collect_device: Where mmengine gathers results, ``'cpu'`` or ``'gpu'``.
        prefix: First part of the keys.

    Raises:
        ValueError: For unknown metrics or options, classes that the data set does not have, labels
            that are no class of it, and ``probabilities`` under test-time augmentation, where
            MMSegmentation merges the labels and leaves the logits of the last view.
    """

    default_prefix = "scores"

    def __init__(
        self,
        metrics: Sequence[str] | None = None,
        classes: Sequence[int] | None = None,
        ignore_index: int = 255,
        options: Mapping[str, Any] | None = None,
        connectivity: int | None = None,
        empty: EmptyPolicy = "skip",
        probabilities: bool = False,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.columns = choose_columns(metrics, probabilities=probabilities)
        self.classes = classes
        self.ignore_index = ignore_index
        self.options = Options(**(options or {}))
        self.connectivity = connectivity
        self.empty = policy(empty)
        self.probabilities = probabilities

    @classmethod
    def usual(cls) -> SegmentationScores:
        """With everything that there is to score."""
        columns = [column.name for column in COLUMNS if 2 in column.dimensions]
        return cls(metrics=columns, probabilities=True)

    def directions(self) -> dict[str, Rule]:
        """As the columns of ``seglosses evaluate`` have it; less is better of what is undefined."""
        settings = self._settings()
        rules: dict[str, Rule] = {"undefined": "less"}
        table = Table(list(settings.classes.values()), settings.stored())
        table.add("", [dict.fromkeys(settings.stored(), 0.0)] * len(table.classes))
        for row in self._rows(table):
            rules[self._key(row)] = "greater" if row.better == "higher" else "less"
        return rules

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Score one batch."""
        settings = self._settings()
        if self.probabilities:
            refuse_views(data_batch)
        for sample in data_samples:
            pred = _array(sample["pred_sem_seg"])[0].astype(np.int16)
            labels = _array(sample["gt_sem_seg"])[0]
            check_labels(labels, settings.num_classes, self.ignore_index, sample, type(self))
            target = labels.astype(np.int16)
            target[target == self.ignore_index] = IGNORED
            prob = _probabilities(_array(sample["seg_logits"])) if self.probabilities else None
            maps = LabelMaps(pred, target, None, prob)
            self.results.append([score_class(maps, index, settings) for index in settings.classes])

    def compute_metrics(self, results: list[list[dict[str, float]]]) -> dict[str, float]:
        """Means over all images of all processes."""
        settings = self._settings()
        table = Table(list(settings.classes.values()), settings.stored())
        for number, numbers in enumerate(results):
            table.add(str(number), numbers)
        scores = {self._key(row): row.mean for row in self._rows(table)}
        predicted = table.matrix("tp") + table.matrix("fp") > 0
        shown = table.matrix("tp") + table.matrix("fn") > 0
        undefined = sum(
            is_left_out(self.empty, not pred, not target)
            for pred, target in zip(predicted.flat, shown.flat, strict=True)
        )
        if undefined:
            scores["undefined"] = undefined
        if len(table) and not shows_foreground(table):
            warn_of_no_score(self.ignore_index, table.classes)
        return scores

    def _rows(self, table: Table) -> list[SummaryRow]:
        settings = self._settings()
        return summarize(table, settings.chosen(), settings.options, outside=settings.outside)

    def _key(self, row: SummaryRow) -> str:
        """Its name alone for one class and for the mean of several, else with the class."""
        whole = len(self._settings().classes) == 1 or row.cls == MACRO
        return row.metric if whole else f"{row.metric}.{row.cls}"

    def _settings(self) -> Settings:
        names = list((self.dataset_meta or {}).get("classes") or ["background", "foreground"])
        count = len(names)
        chosen = self.classes if self.classes is not None else ([1] if count == 2 else range(count))
        wrong = [index for index in chosen if not 0 <= index < count]
        if wrong:
            raise ValueError(f"no class {wrong[0]} in a data set with {count}: {', '.join(names)}")
        unread = LabelCode({}, "label maps in memory")
        return Settings(
            num_classes=count,
            classes={index: names[index] for index in chosen},
            pred_code=unread,
            target_code=unread,
            columns=tuple(column.name for column in self.columns),
            connectivity=self.connectivity,
            empty=self.empty,
            options=self.options,
            probabilities=self.probabilities,
            asked=self.classes is not None,
        )


def warn_of_no_score(ignore_index: int, classes: Sequence[str]) -> None:
    """Say why a validation has no score.

    Args:
        ignore_index: Label that does not count.
        classes: Names of the classes that were looked for.
    """
    print_log(
        f"no score: no label shows a pixel of {', '.join(classes)} that counts; labels "
        f"{ignore_index} are ignored: are they the foreground of masks with 0 and 255?",
        logger="current",
        level=logging.WARNING,
    )


def _array(pixel_data: Mapping[str, Any]) -> NDArray[Any]:
    array: NDArray[Any] = pixel_data["data"].cpu().numpy()
    return array


def _probabilities(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Softmax over the classes of (C, H, W); one channel is the sigmoid of the foreground."""
    if len(logits) == 1:
        logits = np.concatenate([np.zeros_like(logits), logits])
    shifted = np.exp(logits.astype(np.float32) - logits.max(axis=0))
    return np.asarray(shifted / shifted.sum(axis=0), np.float32)
