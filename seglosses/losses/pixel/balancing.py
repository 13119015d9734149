"""Weights from counts: classes within a task, and tasks against each other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.losses.base import PixelLoss
from seglosses.losses.objects import weighed_by
from seglosses.primitives.encoding import Aligned

__all__ = [
    "BalancedCrossEntropyLoss",
    "balanced_class_weights",
    "task_weights",
]


def balanced_class_weights(counts: Tensor) -> Tensor:
    r"""Weights within a task: a class weighs what the others take.

        w_c = (N - N_c) / sum_j (N - N_j)

    Args:
        counts: Pixels of each class N_c, (C,).

    Returns:
        (C,), sums to 1; a class that takes everything weighs 0.

    References:
        Zeng et al., Deep floor plan recognition, ICCV 2019, arXiv:1908.11025. Its code sums over
        image rows instead of classes and counts pixels of class 0 in every term.

    Example:
        >>> balanced_class_weights(torch.tensor([9.0, 6.0, 1.0]))  # 7, 10 and 15 of 32
        tensor([0.2188, 0.3125, 0.4688])
    """
    rest = counts.sum() - counts
    total = rest.sum()
    return rest / torch.where(total > 0, total, 1.0)


def task_weights(counts: Sequence[float]) -> list[float]:
    r"""Weights across tasks: a task weighs what the others take.

        w_t = (N - N_t) / ((T - 1) N),  for two tasks N_2 / (N_1 + N_2) and N_1 / (N_1 + N_2)

    Args:
        counts: Pixels that each task labels as something, for example rooms and walls.

    Returns:
        One weight per task, of sum 1; for use as ``loss_weight`` of the tasks' heads.

    Raises:
        ValueError: for fewer than two tasks, a negative count, or no pixels at all.

    References:
        Zeng et al., Deep floor plan recognition, ICCV 2019, arXiv:1908.11025.

    Example:
        >>> task_weights([300, 100])
        [0.25, 0.75]
    """
    total = float(sum(counts))
    if len(counts) < 2 or total <= 0 or min(counts) < 0:
        raise ValueError(f"counts needs two or more tasks and a positive sum, got {list(counts)}")
    return [(total - count) / ((len(counts) - 1) * total) for count in counts]


class BalancedCrossEntropyLoss(PixelLoss):
    """Cross-entropy with :func:`balanced_class_weights` counted in each batch.

    An image of one class alone costs 0, for that class weighs nothing: batches should hold
    several classes. One-channel heads balance background and foreground; with ``use_sigmoid``
    these are pooled over channels.

    Args:
        options: See :class:`~seglosses.losses.base.PixelLoss`; ``class_weight`` multiplies the
            counted weights.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[0, 0, 0, 1]]])  # weights 1/4 and 3/4
        >>> BalancedCrossEntropyLoss()(torch.zeros(1, 2, 1, 4), labels)  # (3/4 + 3/4) log 2 / 4
        tensor(0.2599)
    """

    formula = "w_c (-log p_c), w_c = (N - N_c) / sum_j (N - N_j) of the batch"
    paper = "Zeng et al. 2019, arXiv:1908.11025"
    use_when = "class sizes differ between batches, so that fixed class weights do not fit"
    tags = ("imbalance",)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy, not yet weighed."""
        return F.cross_entropy(logits, target, reduction="none")

    def prepare(self, batch: Aligned) -> Aligned:
        """Weigh pixels by their class; independent channels are weighed one by one, later."""
        if batch.sigmoid:
            return batch
        target = batch.target()
        axes = (0, *range(2, target.dim()))
        weights = balanced_class_weights(target.sum(axes))
        shape = (1, -1, *(1,) * (target.dim() - 2))
        return weighed_by(batch, (target * weights.view(shape)).sum(1))

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        y = batch.target()
        kept = torch.ones_like(y) if batch.valid is None else batch.valid.unsqueeze(1).expand_as(y)
        ones = (y * kept).sum()
        weights = balanced_class_weights(torch.stack([kept.sum() - ones, ones]))
        if self.class_weight is not None and logits.shape[1] == 1:
            weights = weights * self.class_weight
        loss = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
        return self._weighed(loss * (weights[1] * y + weights[0] * (1 - y)))
