"""The loss of a trainer: nnU-Net's own beside ours, at its resolutions, in its layouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from seglosses.hosts.nnunet.spec import Task
from seglosses.losses.base import PixelLoss, SegmentationLoss
from seglosses.losses.classwise import OverlapLoss

Outputs: TypeAlias = Tensor | Sequence[Tensor]

_LOOKS = 3
"""Calls whose labels are looked at, which waits for a device."""
_NOWHERE = -1e4
"""Logit of what is ignored: no probability, no gradient, and finite in half precision."""


class NnUNetLoss(nn.Module):
    """Sum of nnU-Net's own loss and of ours.

        loss = own + sum_i w_i * pixels_and_counts(output_i, target_i) + shapes(output_0, target_0)

    i are the resolutions of deep supervision and w_i nnU-Net's own weights of them. Losses of
    pixels and of counts are taken at all of these; losses of shapes (distances, skeletons,
    topology) at full resolution only, with their whole weight, for coarse labels have lost what is
    thin.

    Args:
        losses: Ours.
        task: What is trained.
        own: nnU-Net's own loss, None without.
        weights: nnU-Net's weights of resolutions, None without deep supervision.
        compiled: Compile losses of pixels and counts of constant weight, as nnU-Net does with Dice.

    Example:
        >>> from seglosses.losses import CrossEntropyLoss
        >>> both = NnUNetLoss([CrossEntropyLoss()], Task(2, 2), weights=(0.75, 0.25))
        >>> fine, coarse = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 2, 2)
        >>> both([fine, coarse], [fine[:, :1], coarse[:, :1]])  # log 2 at each
        tensor(0.6931)
    """

    def __init__(
        self,
        losses: Sequence[SegmentationLoss],
        task: Task,
        *,
        own: nn.Module | None = None,
        weights: Sequence[float] | None = None,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.own, self.task = own, task
        self.weights = None if weights is None else tuple(float(weight) for weight in weights)
        self.losses = nn.ModuleList(losses)
        # of any size at once: torch compiles a forward eight times, and there are many resolutions
        self._calls: list[Callable[..., Tensor]] = [
            torch.compile(loss, dynamic=True)
            if compiled and _everywhere(loss) and not _scheduled(loss)
            else loss
            for loss in losses
        ]
        self._looked = 0

    def set_progress(self, progress: float | None) -> list[str]:
        """Set weights that follow a schedule.

        Args:
            progress: Fraction of the epochs that are done; None outside of a training.

        Returns:
            A line for each weight that changed.
        """
        lines = []
        for loss in self.losses:
            assert isinstance(loss, SegmentationLoss)
            if loss.weight_schedule is not None:
                before = loss.loss_weight
                loss.set_progress(progress)
                if loss.loss_weight != before or progress == 0:
                    lines.append(f"weight of {loss.loss_name}: {loss.loss_weight:g}")
        return lines

    def forward(self, output: Outputs, target: Outputs) -> Tensor:
        """Loss of a batch as nnU-Net's trainer gives it.

        Args:
            output: Logits (N, C, *S), or one for each resolution, the finest first.
            target: Labels (N, 1, *S), or regions (N, C, *S), the ignored pixels as one more
                channel; in a list as ``output`` is.

        Returns:
            A scalar.

        Raises:
            ValueError: For layouts and labels that do not fit ``dataset.json``.
        """
        outputs, targets, weights = self._resolutions(output, target)
        self._look(outputs, targets)
        # a graph to every output, whichever losses are off: DDP waits for all parameters
        total = torch.stack([each.flatten()[0] * 0 for each in outputs]).sum()
        if self.own is not None:
            total = total + self.own(output, target)
        for level, weight in enumerate(weights):
            if weight == 0:
                continue
            logits, labels, counts = self._batch(outputs[level], targets[level])
            for loss, call in zip(self.losses, self._calls, strict=True):
                assert isinstance(loss, SegmentationLoss)
                if loss.loss_weight == 0 or (level and not _everywhere(loss)):
                    continue
                value = _value(loss, call, logits, labels, counts)
                total = total + (weight * value if _everywhere(loss) else value)
        return total

    def _resolutions(
        self, output: Outputs, target: Outputs
    ) -> tuple[Sequence[Tensor], Sequence[Tensor], Sequence[float]]:
        if isinstance(output, Tensor) != isinstance(target, Tensor):
            raise ValueError(
                "deep supervision is on for one of network and data loader only: set"
                " enable_deep_supervision before the trainer initializes"
            )
        if isinstance(output, Tensor) or isinstance(target, Tensor):
            assert isinstance(output, Tensor)
            assert isinstance(target, Tensor)
            return [output], [target], [1.0]
        weights = [1.0] if self.weights is None else self.weights
        if not len(output) == len(target) == len(weights):
            raise ValueError(
                f"deep supervision with {len(output)} outputs, {len(target)} targets and"
                f" {len(weights)} weights: expected as many of each (_get_deep_supervision_scales)"
            )
        return output, target, weights

    def _batch(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Logits, what they should be, and which pixels of regions count, (N, 1, *S)."""
        task = self.task
        if not task.regions or task.ignore_label is None:
            return output, target, None
        ignored = target[:, -1:].bool()
        return output.masked_fill(ignored, _NOWHERE), target[:, :-1], ~ignored

    def _look(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> None:
        """Refuse layouts that do not fit the task, and in the first calls labels that do not."""
        task = self.task
        channels = task.heads + (task.ignore_label is not None) if task.regions else 1
        for output, target in zip(outputs, targets, strict=True):
            if output.dim() != task.dims + 2 or output.shape[1] != task.heads:
                raise ValueError(
                    f"expected the network's output (N, {task.heads}, {'DHW'[-task.dims :]}) of"
                    f" {task.configuration} ({task.dims}D, {self._heads()}), got"
                    f" {tuple(output.shape)}: do plans and dataset.json belong together?"
                )
            if target.shape != (*output.shape[:1], channels, *output.shape[2:]):
                ends = ", the last of which marks what is ignored" if channels > task.heads else ""
                raise ValueError(
                    f"expected targets {(len(output), channels, *output.shape[2:])} for an output"
                    f" {tuple(output.shape)}, got {tuple(target.shape)}: "
                    + (
                        f"region-based training has one channel per region{ends}"
                        if task.regions
                        else "label maps have one channel; overlapping labels are declared as"
                        " regions in dataset.json"
                    )
                )
        if self._looked < _LOOKS and not torch.compiler.is_compiling():
            self._looked += 1
            if not task.regions:
                self._look_at_labels(targets[0])

    def _look_at_labels(self, target: Tensor) -> None:
        values = set(torch.unique(target).long().tolist())
        known = {*range(self.task.heads), self.task.ignore_label}
        if unknown := sorted(values - known):
            ignored = self.task.ignore_label
            raise ValueError(
                f"label values {', '.join(map(str, unknown))} in the batch, where dataset.json"
                f" declares {self._heads()} and "
                + ("no ignore label" if ignored is None else f"{ignored} as ignore label")
                + f': declare them under "labels" ("ignore": {self.task.heads} for pixels that do'
                " not count, the highest value), and preprocess again"
            )

    def _heads(self) -> str:
        kind = "regions" if self.task.regions else "labels with background"
        return f"{self.task.heads} {kind}"


def _everywhere(loss: SegmentationLoss) -> bool:
    """Whether it is a loss of pixels or counts, which resolutions do not change."""
    return isinstance(loss, PixelLoss | OverlapLoss)


def _scheduled(loss: SegmentationLoss) -> bool:
    return loss.weight_schedule is not None


def _value(
    loss: SegmentationLoss,
    call: Callable[..., Tensor],
    logits: Tensor,
    labels: Tensor,
    counts: Tensor | None,
) -> Tensor:
    if counts is None:
        return call(logits, labels)
    weight = counts.squeeze(1).to(logits.dtype)
    if not isinstance(loss, PixelLoss):
        return call(logits, labels, weight)
    # the mean over what counts, not over all
    problems = weight.sum() * (logits.shape[1] if loss.use_sigmoid else 1)
    return call(logits, labels, weight, avg_factor=problems.clamp(min=1))
