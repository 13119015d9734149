"""Losses of the true positive and the true negative rate, of amplified probabilities."""

from __future__ import annotations

from torch import Tensor

from seglosses.losses.overlap.confusion import ConfusionLoss, amplified_counts
from seglosses.primitives.overlap import ratio

__all__ = [
    "BalancedAccuracyLoss",
    "GeometricMeanLoss",
    "balanced_accuracy_loss",
    "geometric_mean_loss",
]


def _rates(
    prob: Tensor, target: Tensor, weight: Tensor | None, sharpness: float
) -> tuple[Tensor, Tensor]:
    """Sensitivity and specificity, 1 where there is nothing to be found."""
    counts, pixels = amplified_counts(prob, target, weight, sharpness)
    negatives = (pixels - counts.target).clamp(min=0)
    found = ratio(counts.tp, counts.target)
    spared = ratio((negatives - counts.fp).clamp(min=0), negatives)
    return found, spared


def balanced_accuracy_loss(
    prob: Tensor, target: Tensor, weight: Tensor | None = None, *, sharpness: float = 73.0
) -> Tensor:
    r"""One minus the mean of sensitivity and specificity of amplified probabilities.

        loss = 1 - (TP / (TP + FN) + TN / (TN + FP)) / 2

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S).
        sharpness: How much :func:`amplify` pushes probabilities towards 0 and 1.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; a rate without pixels counts as 1.

    References:
        Han et al., AnyLoss, KDD 2024, arXiv:2405.14745.

    Example:
        >>> import torch
        >>> prob, target = torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
        >>> balanced_accuracy_loss(prob, target)  # 1 - (1 + 1/2) / 2
        tensor([[0.2500]])
    """
    found, spared = _rates(prob, target, weight, sharpness)
    return 1 - (found + spared) / 2


def geometric_mean_loss(
    prob: Tensor, target: Tensor, weight: Tensor | None = None, *, sharpness: float = 73.0
) -> Tensor:
    r"""One minus the geometric mean of sensitivity and specificity (G-mean).

        loss = 1 - sqrt(TP / (TP + FN) * TN / (TN + FP))

    The slope of the root is infinite at 0; below 1e-6 it is that of the secant through zero.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S).
        sharpness: How much :func:`amplify` pushes probabilities towards 0 and 1.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; a rate without pixels counts as 1.

    References:
        Han et al., AnyLoss, KDD 2024, arXiv:2405.14745.

    Example:
        >>> import torch
        >>> prob, target = torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
        >>> geometric_mean_loss(prob, target)  # 1 - sqrt(1 * 1/2)
        tensor([[0.2929]])
    """
    found, spared = _rates(prob, target, weight, sharpness)
    product = found * spared
    return 1 - product / product.clamp(min=1e-6).sqrt()


class BalancedAccuracyLoss(ConfusionLoss):
    """Registered form of :func:`balanced_accuracy_loss`.

    Args:
        sharpness: How much :func:`amplify` pushes probabilities towards 0 and 1.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[99.0, 99.0, -99.0]]]])  # TP, FP and TN, one pixel each
        >>> BalancedAccuracyLoss()(logits, torch.tensor([[[1, 0, 0]]]))  # 1 - (1 + 1/2) / 2
        tensor(0.2500)
    """

    formula = "1 - (TP / (TP + FN) + TN / (TN + FP)) / 2, p amplified"
    paper = "Han et al. 2024, arXiv:2405.14745"
    use_when = "imbalanced classes whose sensitivity and specificity both count; as a last stage"
    tags = ("lesion", "imbalance", "score")

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the mean of both rates."""
        return balanced_accuracy_loss(prob, target, mask, sharpness=self.sharpness)


class GeometricMeanLoss(ConfusionLoss):
    """Registered form of :func:`geometric_mean_loss`.

    Args:
        sharpness: How much :func:`amplify` pushes probabilities towards 0 and 1.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[99.0, 99.0, -99.0]]]])  # TP, FP and TN, one pixel each
        >>> GeometricMeanLoss()(logits, torch.tensor([[[1, 0, 0]]]))  # 1 - sqrt(1 * 1/2)
        tensor(0.2929)
    """

    formula = "1 - sqrt(TP / (TP + FN) * TN / (TN + FP)), p amplified"
    paper = "Han et al. 2024, arXiv:2405.14745"
    use_when = "neither sensitivity nor specificity may collapse; as a last stage"
    tags = ("lesion", "imbalance", "score")

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the geometric mean of both rates."""
        return geometric_mean_loss(prob, target, mask, sharpness=self.sharpness)
