"""A metric shell that scores label maps with everything ``seglosses evaluate`` knows."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import MessageHub, print_log
from mmengine.visualization import Visualizer
from numpy.typing import NDArray

from seglosses.evaluate.accumulator import Scores
from seglosses.evaluate.measures import COLUMNS, choose_columns
from seglosses.evaluate.options import Options
from seglosses.hosts.openmmlab.directions import DirectedMetric, Rule
from seglosses.hosts.openmmlab.samples import check_labels, refuse_views
from seglosses.metrics import EmptyPolicy
from seglosses.metrics.empty import policy
from seglosses.registry import METRICS


@METRICS.register_module()
class SegmentationScores(DirectedMetric):
    """Score predictions of mmseg during validation and testing.

    The numbers are those of ``seglosses evaluate`` on the same label maps: means over images, a
    key a metric (``scores/cldice``), which are logged. Those of each class (``scores/cldice.road``)
    and further readings of overlap (``scores/iou_class``) go to the visualizer alone, unless a hook
    reads their key. Choose the best checkpoint with ``save_best='scores/cldice'``; the rule is
    known, see :mod:`seglosses.hosts.openmmlab.directions`.

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
        classes_in_log: Whether to log every number, of each class too.
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
        classes_in_log: bool = False,
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
        self.classes_in_log = classes_in_log
        self._wanted: set[str] = set()

    def want(self, key: str) -> None:
        """Log this one too."""
        self._wanted.add(key.removeprefix(f"{self.prefix}/"))

    @classmethod
    def usual(cls) -> SegmentationScores:
        """With everything that there is to score."""
        columns = [column.name for column in COLUMNS if 2 in column.dimensions]
        return cls(metrics=columns, probabilities=True)

    def directions(self) -> dict[str, Rule]:
        """As the columns of ``seglosses evaluate`` have it; less is better of what is undefined."""
        rules: dict[str, Rule] = {"undefined": "less"}
        for key, better in self._scores().better().items():
            rules[key] = "greater" if better == "higher" else "less"
        return rules

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Score one batch."""
        scores = self._scores()
        if self.probabilities:
            refuse_views(data_batch)
        for sample in data_samples:
            labels = array_of(sample["gt_sem_seg"])
            check_labels(
                labels, len(class_names(self.dataset_meta)), self.ignore_index, sample, type(self)
            )
            prob = None
            if self.probabilities:
                logits = sample["seg_logits"]["data"].float()
                prob = [logits.sigmoid() if len(logits) == 1 else logits.softmax(dim=0)]
            pred = array_of(sample["pred_sem_seg"])
            self.results += scores.measure([pred], [labels], probabilities=prob)

    def compute_metrics(self, results: list[list[dict[str, float]]]) -> dict[str, float]:
        """Means over all images of all processes."""
        scores = self._scores()
        scores.add(results)
        found = scores.local()
        means = {key: value for key, value in found.items() if self._logged(key)}
        rest = {key: value for key, value in found.items() if key not in means}
        show_scalars({f"{self.prefix}/{key}": value for key, value in rest.items()})
        if found.undefined:
            means["undefined"] = found.undefined
        if found.evaluation.no_score:
            warn_of_no_score(self.ignore_index, found.evaluation.table.classes)
        return means

    def _logged(self, key: str) -> bool:
        """Whether the log has it: means of metrics, of all classes and images."""
        plain = {name for c in self.columns for name in (c.name, f"{c.name}_dataset")}
        return self.classes_in_log or key in self._wanted or key in plain

    def _scores(self) -> Scores:
        """The accumulator of a data set's classes; mmengine gathers what it measures."""
        names = class_names(self.dataset_meta)
        check_classes(self.classes, names)
        return Scores(
            [column.name for column in self.columns],
            names,
            scored=self.classes,
            ignore_index=self.ignore_index,
            form="labels",
            connectivity=self.connectivity,
            empty=self.empty,
            options=self.options,
            gather=False,
        )


def show_scalars(scores: Mapping[str, float]) -> None:
    """Numbers for the visualizer's backends, such as TensorBoard, and not for the log.

    Args:
        scores: By name; undefined ones are left out.
    """
    try:
        visualizer = Visualizer.get_current_instance()
    except RuntimeError:  # outside of a runner
        return
    hub = MessageHub.get_current_instance()
    step = int(hub.get_info("iter")) + 1 if "iter" in hub.runtime_info else 0
    known = {key: value for key, value in scores.items() if math.isfinite(value)}
    visualizer.add_scalars(known, step=step)


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


def class_names(dataset_meta: Mapping[str, Any] | None) -> list[str]:
    """Names of the classes of a data set, those that occur twice with their index.

    Args:
        dataset_meta: As mmengine hands it to metrics.

    Returns:
        Different names.

    Example:
        >>> class_names({"classes": ("bat", "ball", "bat")}), class_names(None)
        (['bat', 'ball', 'bat 2'], ['background', 'foreground'])
    """
    names = list((dataset_meta or {}).get("classes") or ["background", "foreground"])
    return [
        f"{name} {place}" if name in names[:place] else name for place, name in enumerate(names)
    ]


def check_classes(classes: Sequence[int] | None, names: Sequence[str]) -> None:
    """Refuse classes that a data set does not have.

    Args:
        classes: Indices of the classes to score.
        names: Names of those of the data set.

    Raises:
        ValueError: for the first that does not exist.

    Example:
        >>> check_classes([2], ["sky", "road"])
        Traceback (most recent call last):
        ValueError: no class 2 in a data set with 2 classes: sky, road
    """
    for index in classes or ():
        if not 0 <= index < len(names):
            raise ValueError(
                f"no class {index} in a data set with {len(names)} classes: {', '.join(names)}"
            )


def array_of(pixel_data: Mapping[str, Any]) -> NDArray[Any]:
    """The (1, H, W) class indices of a sample as (H, W)."""
    labels: NDArray[Any] = pixel_data["data"][0].cpu().numpy()
    return labels
