"""Loss of box edges that are predicted as distributions over distances."""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.losses.rows import RowLoss, Target

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
    _check_shapes(logits, distance)
    top = logits.shape[1] - 1
    y = distance.to(logits.dtype).clamp(0, top)
    # the last whole number has nothing above it; NaN is no place, and stays in the share
    low = y.nan_to_num().long().clamp(max=top - 1)
    share = y - low
    log_p = logits.log_softmax(1)
    left, right = (log_p.gather(1, i.unsqueeze(1)).squeeze(1) for i in (low, low + 1))
    return -((1 - share) * left + share * right)


def _check_shapes(logits: Tensor, distance: Target) -> None:
    shape = tuple(distance.shape) if isinstance(distance, Tensor) else type(distance).__name__
    if logits.dim() != 2 or logits.shape[1] < 2 or shape != tuple(logits.shape[:1]):
        raise ValueError(
            "expected logits (n, K) of K >= 2 distances and distances (n,), got"
            f" {tuple(logits.shape)} and {shape}"
        )


class DistributionFocalLoss(RowLoss):
    """Cross-entropy of a distribution over distances with the two numbers around the true one.

    Predictions are logits (n, K), targets distances (n,).

    Raises:
        ValueError: for fewer distances than two, and other shapes.

    Example:
        >>> DistributionFocalLoss()(torch.zeros(1, 4), torch.tensor([1.3]))  # (0.7 + 0.3) log 4
        tensor(1.3863)
    """

    formula = "-((i + 1 - y) log P_i + (y - i) log P_(i+1)), i = floor(y)"
    paper = "Li et al. 2020, arXiv:2006.04388"
    use_when = "box edges are predicted as distributions, as in GFL"
    tags = ("detection",)

    def distances(self, count: int, device: torch.device | None = None) -> Tensor:
        """Hook: the distances that so many numbers of a distribution stand for, (count,)."""
        return torch.arange(count, dtype=torch.float32, device=device)

    def check(self, pred: Tensor, target: Target) -> None:
        """Refuse what is no distance a distribution."""
        _check_shapes(pred, target)

    def compare(self, pred: Tensor, target: Target) -> Tensor:
        """See :func:`distribution_focal_loss`."""
        assert isinstance(target, Tensor)
        return distribution_focal_loss(pred, target)
