"""Loss of box edges that are predicted as distributions over distances."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import Loss, LossOptions
from seglosses.primitives.reduction import check_reduction, reduce_loss

__all__ = [
    "DistributionFocalLoss",
    "distribution_focal_loss",
]


def distribution_focal_loss(logits: Tensor, distance: Tensor) -> Tensor:
    r"""Distribution focal loss: cross-entropy with the two whole numbers around a distance.

        loss = -((i + 1 - y) log P_i + (y - i) log P_(i+1)),   i = floor(y)

    Args:
        logits: (n, K), P = softmax(logits) over the distances 0 .. K - 1.
        distance: y, (n,), clamped to [0, K - 1].

    Returns:
        (n,).

    Raises:
        ValueError: unless there are two distances at least.

    References:
        Li et al., Generalized Focal Loss, NeurIPS 2020, arXiv:2006.04388.

    Example:
        >>> distribution_focal_loss(torch.zeros(1, 4), torch.tensor([1.3]))  # log 4
        tensor([1.3863])
    """
    if logits.dim() != 2 or logits.shape[1] < 2 or distance.shape != logits.shape[:1]:
        raise ValueError(
            "expected logits (n, K) of K >= 2 distances and distances (n,), got"
            f" {tuple(logits.shape)} and {tuple(distance.shape)}"
        )
    top = logits.shape[1] - 1
    y = distance.to(logits.dtype).clamp(0, top)
    # the last whole number has nothing above it
    low = y.long().clamp(max=top - 1)
    share = y - low
    log_p = logits.log_softmax(1)
    left, right = (log_p.gather(1, i.unsqueeze(1)).squeeze(1) for i in (low, low + 1))
    return -((1 - share) * left + share * right)


class DistributionFocalLoss(Loss):
    """Cross-entropy of a distribution over distances with the two numbers around the true one.

    Raises:
        ValueError: for fewer distances than two, and other shapes.

    Example:
        >>> import torch
        >>> DistributionFocalLoss()(torch.zeros(1, 4), torch.tensor([1.3]))  # (0.7 + 0.3) log 4
        tensor(1.3863)
    """

    formula = "-((i + 1 - y) log P_i + (y - i) log P_(i+1)), i = floor(y)"
    paper = "Li et al. 2020, arXiv:2006.04388"
    use_when = "box edges are predicted as distributions: GFL"

    def __init__(self, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Loss of logits over distances.

        Args:
            pred: (n, K).
            target: Distances (n,).
            weight: (n,).
            avg_factor: Divisor of 'mean'.
            reduction_override: Wins over ``reduction``.

        Returns:
            A scalar, or (n,) for 'none'. No rows give a zero with a graph.
        """
        reduction = self.reduction if reduction_override is None else reduction_override
        check_reduction(reduction)
        with torch.autocast(pred.device.type, enabled=False):
            logits = pred if pred.dtype == torch.float64 else pred.float()
            loss = distribution_focal_loss(logits, target)
            if weight is not None:
                loss = torch.where(weight == 0, 0.0, loss * weight.to(loss.dtype))
            loss = reduce_loss(loss, None, avg_factor=avg_factor, reduction=reduction)
            return self._finish(loss, pred)
