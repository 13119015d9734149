"""The Jaccard metric loss and its Dice and Tversky relatives, made for soft labels."""

from __future__ import annotations

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import CountOptions, OverlapLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.focusing import focal_power
from seglosses.primitives.overlap import Counts, Intersection, soft_counts, tversky_index
from seglosses.primitives.soft_labels import (
    BoundarySmoothing,
    boundary_smoothing_options,
    soften_boundaries,
)

__all__ = [
    "JaccardMetricLoss",
    "jaccard_metric_loss",
]


def jaccard_metric_loss(
    prob: Tensor,
    target: Tensor,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    smooth: float = 1e-3,
    gamma: float = 1.0,
    log: bool = False,
    intersection: Intersection = "min",
) -> Tensor:
    r"""Jaccard metric loss and its Dice and Tversky relatives (JDTLoss).

        t = (TP + smooth) / (TP + alpha FP + beta FN + smooth)
        loss = (1 - t)^gamma, or (-log t)^gamma

    With ``intersection='min'`` (JML1) or 'difference' (JML2) and alpha = beta = 1, 1 - t is a
    metric on [0, 1]^n: it vanishes if and only if prediction and soft label are equal.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        alpha: Price of a false positive: 1 for Jaccard, 1/2 for Dice.
        beta: Price of a false negative.
        smooth: Added above and below, in pixels.
        gamma: Focal exponent.
        log: Take -log t instead of 1 - t.
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        One loss per image and class, (N, C).

    References:
        Wang et al., Jaccard Metric Losses, NeurIPS 2023, arXiv:2302.05666; Dice Semimetric Losses,
        MICCAI 2023, arXiv:2303.16296; averaging: Revisiting Evaluation Metrics for Semantic
        Segmentation, NeurIPS 2023, arXiv:2310.19252.

    Example:
        >>> import torch
        >>> half = torch.tensor([[[0.5, 0.5]]])
        >>> jaccard_metric_loss(half, half, smooth=0.0).item()
        0.0
        >>> jaccard_metric_loss(half, half, smooth=0.0, intersection="product")  # 1 - 0.5 / 1.5
        tensor([[0.6667]])
    """
    counts = soft_counts(prob, target, intersection=intersection)
    return _metric_loss(counts, alpha, beta, smooth, gamma, log)


def _metric_loss(
    counts: Counts, alpha: float, beta: float, smooth: float, gamma: float, log: bool
) -> Tensor:
    index = tversky_index(counts, alpha=alpha, beta=beta, smooth=smooth)
    loss = -index.clamp(min=1e-7).log() if log else 1 - index
    return focal_power(loss, gamma)


class JaccardMetricLoss(OverlapLoss):
    """Registered form of :func:`jaccard_metric_loss`.

    The defaults are those of JDTLoss: counts pooled over the batch (``average='dataset'``); its
    mIoUD, mIoUI and mIoUC weights are ``average=dict(dataset=.., image=.., classes=..)``, in which
    configs cannot write 'class'.

    Args:
        alpha: Price of a false positive: 1 for Jaccard, 1/2 for Dice.
        beta: Price of a false negative.
        smooth: Added above and below, in pixels.
        gamma: Focal exponent.
        log: Take -log t instead of 1 - t.
        boundary_smoothing: Soften labels at boundaries by this amount, or by the arguments of
            :func:`~seglosses.primitives.soft_labels.smooth_boundary_labels`, ``dict(epsilon=0.5,
            kernel_size=3)``. As for all soft labels every class counts then, unless ``classes``
            names some: each has its share of a boundary, and 'present' leaves none out.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Raises:
        ValueError: with ``boundary_smoothing`` for dense targets, and for points of masks.

    Example:
        >>> import torch
        >>> soft = torch.tensor([[[[0.25]], [[0.75]]]])  # one pixel, predicted with 1/2 and 1/2
        >>> loss = JaccardMetricLoss(smooth=0.0)
        >>> loss(torch.zeros(1, 2, 1, 1), soft)  # (1 - 0.25 / 0.5 + 1 - 0.5 / 0.75) / 2
        tensor(0.4167)
        >>> smoothed = JaccardMetricLoss(smooth=0.0, boundary_smoothing=0.5)
        >>> labels = torch.tensor([[[0, 1]]])  # become 3/4, 1/4 and 1/4, 3/4
        >>> smoothed(torch.zeros(1, 2, 1, 2), labels)  # 1 - (1/2 + 1/4) / (3/4 + 1/2)
        tensor(0.4000)
    """

    formula = "1 - (TP + s) / (TP + alpha FP + beta FN + s), a metric for soft labels too"
    paper = "Wang et al. 2023, arXiv:2302.05666, arXiv:2310.19252"
    use_when = "soft labels, distillation, or mIoU averaged by image or class"
    tags = ("score", "soft", "teacher")
    default_average = "dataset"

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 1.0,
        smooth: float = 1e-3,
        gamma: float = 1.0,
        log: bool = False,
        boundary_smoothing: BoundarySmoothing | None = None,
        **options: Unpack[CountOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha, beta=beta, smooth=smooth)
        check_range("(0, inf)", gamma=gamma)
        self.alpha, self.beta, self.smooth, self.gamma, self.log = alpha, beta, smooth, gamma, log
        self.boundary_smoothing = boundary_smoothing_options(boundary_smoothing)

    def compute(self, counts: Counts) -> Tensor:
        """(1 - t)^gamma or (-log t)^gamma."""
        return _metric_loss(counts, self.alpha, self.beta, self.smooth, self.gamma, self.log)

    def prepare(self, batch: Aligned) -> Aligned:
        """Soften the labels at boundaries."""
        return soften_boundaries(batch, self.boundary_smoothing)
