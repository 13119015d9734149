"""A hook that draws which components and loops of predictions match those of the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from numpy.typing import NDArray

from seglosses.registry import HOOKS
from seglosses.report.topology import topology_picture


@HOOKS.register_module()
class TopologyVisualizationHook(Hook):
    """Draw matched and unmatched components and loops during validation and testing.

    The first samples of every validation are drawn, so that the same images can be followed
    through a training. Pictures go to ``<work_dir>/<folder>/iter_<n>/<name>.png`` (``test`` instead
    of ``iter_<n>`` in a test) and to the backends of the runner's visualizer, such as TensorBoard.

    Args:
        samples: Samples drawn in each validation or test.
        class_index: Class whose probability (softmax of ``seg_logits``, or their sigmoid where
            there is one channel) is matched with the label.
        connectivity: Of the foreground, 8 or 4; None for 8.
        min_length: Unmatched bars that are not longer are not drawn.
        ignore_index: Label that does not count; such pixels are background to both.
        folder: Name of the folder for pictures.

    Raises:
        ValueError: For a negative number of samples or an unknown connectivity.
    """

    priority = "NORMAL"

    def __init__(
        self,
        samples: int = 4,
        class_index: int = 1,
        connectivity: int | None = None,
        min_length: float = 0.1,
        ignore_index: int = 255,
        folder: str = "topology",
    ) -> None:
        if samples < 0:
            raise ValueError(f"samples must not be negative, got {samples}")
        if connectivity not in (None, 4, 8):
            raise ValueError(f"connectivity must be 4 or 8, got {connectivity!r}")
        self.samples = samples
        self.class_index = class_index
        self.connectivity = connectivity
        self.min_length = min_length
        self.ignore_index = ignore_index
        self.folder = folder
        self._drawn = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin to count."""
        self._drawn = 0

    def before_test_epoch(self, runner: Runner) -> None:
        """Begin to count."""
        self._drawn = 0

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Draw samples of a validation."""
        self._draw(runner, f"iter_{runner.iter}", outputs or ())

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Draw samples of a test."""
        self._draw(runner, "test", outputs or ())

    def _draw(self, runner: Runner, stage: str, outputs: Sequence[Any]) -> None:
        if not is_main_process():
            return
        for output in outputs[: self.samples - self._drawn]:
            sample: Mapping[str, Any] = output.to_dict()
            target = sample["gt_sem_seg"]["data"][0].cpu().numpy()
            prob = foreground(sample["seg_logits"]["data"], self.class_index)
            picture = topology_picture(
                np.where(target == self.ignore_index, 0.0, prob),
                target == self.class_index,
                connectivity=self.connectivity,
                min_length=self.min_length,
            )
            name = Path(sample.get("img_path") or f"sample_{self._drawn}").stem
            folder = Path(runner.work_dir) / self.folder / stage
            folder.mkdir(parents=True, exist_ok=True)
            picture.save(folder / f"{name}.png")
            image = np.asarray(picture)
            runner.visualizer.add_image(f"{self.folder}/{name}", image, step=runner.iter)
            self._drawn += 1


def foreground(logits: torch.Tensor, class_index: int) -> NDArray[np.float32]:
    """Probability of a class from the logits (C, H, W) of one sample.

    Example:
        >>> foreground(torch.zeros(2, 1, 1), 1).tolist(), foreground(torch.zeros(1, 1, 1), 1)
        ([[0.5]], array([[0.5]], dtype=float32))
    """
    if len(logits) == 1:
        prob = logits[0].float().sigmoid()
        prob = prob if class_index == 1 else 1 - prob
    else:
        prob = logits.float().softmax(0)[class_index]
    array: NDArray[np.float32] = prob.cpu().numpy()
    return array
