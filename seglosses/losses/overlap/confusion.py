"""Differentiable scores of a confusion matrix: F-beta, accuracies, geometric mean."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.layout import flat_maps
from seglosses.primitives.overlap import Counts, ratio, soft_counts, tversky_index

__all__ = [
    "AccuracyLoss",
    "FBetaLoss",
    "accuracy_loss",
    "f_beta_loss",
]


def amplify(prob: Tensor, sharpness: float = 73.0) -> Tensor:
    r"""Probabilities pushed towards 0 and 1, so that their sums approach counts of decisions.

        a = 1 / (1 + exp(-sharpness (p - 1/2)))

    The slope is ``sharpness / 4`` at p = 1/2 and vanishes away from it: at the paper's 73 it is
    0.05 at p = 0.6 already, so pixels that are decided learn nothing. Lower it to train longer.

    References:
        Han et al., AnyLoss, KDD 2024, arXiv:2405.14745.

    Example:
        >>> amplify(torch.tensor([0.0, 0.5, 1.0]))
        tensor([1.4069e-16, 5.0000e-01, 1.0000e+00])
    """
    return torch.sigmoid(sharpness * (prob - 0.5))


def amplified_counts(
    prob: Tensor, target: Tensor, weight: Tensor | None, sharpness: float
) -> tuple[Counts, Tensor]:
    """Counts of amplified probabilities, and the number of pixels, each (N, C)."""
    counts = soft_counts(amplify(prob, sharpness), target, weight)
    ones = torch.ones_like(prob[:, :1]) if weight is None else weight
    return counts, flat_maps(ones).sum(2).expand_as(counts.tp)


def f_beta_loss(
    prob: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    beta: float = 1.0,
    sharpness: float = 73.0,
    smooth: float = 1e-6,
) -> Tensor:
    r"""One minus the F-beta score of amplified probabilities.

        loss = 1 - (TP + smooth) / (TP + (beta^2 FN + FP) / (1 + beta^2) + smooth)

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S).
        beta: Above 1 recall counts more than precision.
        sharpness: How much :func:`amplify` pushes probabilities towards 0 and 1.
        smooth: Added above and below, in pixels: what rounding leaves of a class that is absent
            from both must not count.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 where nothing is labelled or predicted.

    References:
        Han et al., AnyLoss, KDD 2024, arXiv:2405.14745.

    Example:
        >>> prob, target = torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
        >>> f_beta_loss(prob, target)  # 1 - 2 / (2 + 1)
        tensor([[0.3333]])
    """
    counts, _ = amplified_counts(prob, target, weight, sharpness)
    share = 1 / (1 + beta**2)
    return 1 - tversky_index(counts, alpha=share, beta=1 - share, smooth=smooth)


def accuracy_loss(
    prob: Tensor, target: Tensor, weight: Tensor | None = None, *, sharpness: float = 73.0
) -> Tensor:
    r"""One minus the accuracy of amplified probabilities: the share of pixels that are wrong.

        loss = 1 - (TP + TN) / (TP + TN + FP + FN)

    Where a class is rare, predicting none of it costs next to nothing: with one vessel pixel of a
    hundred 0.01, where :func:`balanced_accuracy_loss` is 0.5. Take it for classes of equal size.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S).
        sharpness: How much :func:`amplify` pushes probabilities towards 0 and 1.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 where there are no pixels.

    References:
        Han et al., AnyLoss, KDD 2024, arXiv:2405.14745.

    Example:
        >>> prob, target = torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
        >>> accuracy_loss(prob, target)  # 1 - (1 + 1) / 3
        tensor([[0.3333]])
    """
    counts, pixels = amplified_counts(prob, target, weight, sharpness)
    return 1 - ratio((pixels - counts.fp - counts.fn).clamp(min=0), pixels)


class ConfusionLoss(MapLoss):
    spatial_dims = (0, 1, 2, 3)
    default_classes = None

    def __init__(self, sharpness: float = 73.0, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", sharpness=sharpness)
        self.sharpness = sharpness


class FBetaLoss(ConfusionLoss):
    """Registered form of :func:`f_beta_loss`.

    Args:
        beta: Above 1 recall counts more than precision.
        sharpness: How much :func:`amplify` pushes probabilities towards 0 and 1.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[99.0, 99.0, -99.0]]]])  # TP, FP and TN, one pixel each
        >>> FBetaLoss()(logits, torch.tensor([[[1, 0, 0]]]))  # 1 - 2 / (2 + 1)
        tensor(0.3333)
    """

    formula = "1 - (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), p amplified"
    paper = "Han et al. 2024, arXiv:2405.14745"
    use_when = "the F score of hard decisions is the goal; as a last stage after cross-entropy"
    tags = ("lesion", "imbalance", "score")

    def __init__(
        self, beta: float = 1.0, sharpness: float = 73.0, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(sharpness, **options)
        check_range("[0, inf)", beta=beta)
        self.beta = beta

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus F-beta."""
        return f_beta_loss(prob, target, mask, beta=self.beta, sharpness=self.sharpness)


class AccuracyLoss(ConfusionLoss):
    """Registered form of :func:`accuracy_loss`; of rare classes it learns nothing, see there.

    Args:
        sharpness: How much :func:`amplify` pushes probabilities towards 0 and 1.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[99.0, 99.0, -99.0]]]])  # TP, FP and TN, one pixel each
        >>> AccuracyLoss()(logits, torch.tensor([[[1, 0, 0]]]))  # 1 - (1 + 1) / 3
        tensor(0.3333)
    """

    formula = "1 - (TP + TN) / (TP + TN + FP + FN), p amplified"
    paper = "Han et al. 2024, arXiv:2405.14745"
    use_when = "classes of equal size; rare classes are given up, BalancedAccuracyLoss keeps them"
    tags = ("score",)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the accuracy."""
        return accuracy_loss(prob, target, mask, sharpness=self.sharpness)
