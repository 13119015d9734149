"""Losses for few, weak or made-up labels: entropy, class ratios, confidence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.encoding import Aligned, activate
from seglosses.extra_inputs import extra_input, extra_map
from seglosses.label_edges import label_boundary
from seglosses.losses.base import PixelLoss, SegOptions
from seglosses.losses.classwise import ShapeLoss
from seglosses.reduction import reduce_loss

_EPSILON = 1e-10


def entropy_loss(logits: Tensor, *, class_weight: Tensor | None = None) -> Tensor:
    r"""Entropy of each pixel's distribution.

        loss = - sum_c w_c p_c log p_c

    Args:
        logits: (N, C, *S).
        class_weight: w, (C,); 1 by default.

    Returns:
        One loss per pixel, (N, *S), in [0, log C] without weights.

    References:
        Grandvalet and Bengio, NIPS 2004; weighted as in Bateson et al., Source-free domain
        adaptation for image segmentation, Medical Image Analysis 2022, arXiv:2108.03152.

    Example:
        >>> entropy_loss(torch.zeros(1, 2, 1))  # log 2
        tensor([[0.6931]])
    """
    log_p = logits.log_softmax(1)
    terms = -log_p.exp() * log_p
    if class_weight is not None:
        terms = terms * class_weight.view(1, -1, *(1,) * (logits.dim() - 2))
    return terms.sum(1)


def soft_class_ratios(logits: Tensor, weight: Tensor | None = None) -> Tensor:
    r"""Share of the image that each class takes, softly counted.

        r_c = sum over kept pixels of p_c / max_k p_k, normalised over classes

    Dividing by the largest probability makes uncertain pixels count nearly in full, so that the
    ratio is close to that of the predicted label map.

    Args:
        logits: (N, C, *S).
        weight: Weights of pixels, (N, 1, *S).

    Returns:
        (N, C), rows sum to 1, or to 0 where every pixel is left out.

    References:
        Bateson et al., arXiv:2108.03152 (the size estimate of its code, with power 1).

    Example:
        >>> soft_class_ratios(torch.tensor([[[2.0, 1.0], [1.0, 2.0]]]).log())  # 1, 1/2; 1/2, 1
        tensor([[0.5000, 0.5000]])
    """
    soft = (logits - logits.amax(1, keepdim=True)).exp()
    sizes = (soft if weight is None else soft * weight).flatten(2).sum(2)
    total = sizes.sum(1, keepdim=True)
    return sizes / torch.where(total > 0, total, 1.0)


def class_ratio_kl_loss(ratios: Tensor, prior: Tensor) -> Tensor:
    r"""Divergence of predicted class ratios from known or assumed ones.

        loss = sum_c r_c (log(r_c + eps) - log(prior_c + eps)),  eps = 1e-10

    Args:
        ratios: Predicted, (N, C).
        prior: Wanted, (N, C) or (C,).

    Returns:
        One loss per image and class, (N, C), whose sum over classes is the divergence.

    References:
        Bateson et al., arXiv:2108.03152.

    Example:
        >>> r = torch.tensor([[0.5, 0.5]])
        >>> class_ratio_kl_loss(r, torch.tensor([0.25, 0.75])).sum(1)  # (log 2 + log 2/3) / 2
        tensor([0.1438])
    """
    return ratios * ((ratios + _EPSILON).log() - (prior + _EPSILON).log())


def confidence_threshold(
    confidence: Tensor,
    *,
    base: float = 0.6,
    beta: float = 0.5,
    low: float = 0.3,
    high: float = 0.8,
) -> Tensor:
    r"""Threshold for pseudo-labels that follows the mean confidence.

        t = clamp(base / (1 + exp(-beta (mean - 1/2))), low, high)

    For confidences in [0, 1] and the defaults, t lies between 0.3 and 0.337: the published rule is
    a constant in all but name.

    Args:
        confidence: Any shape.
        base: Twice the threshold at mean 1/2.
        beta: Steepness.
        low: Smallest threshold.
        high: Largest.

    Returns:
        A scalar.

    References:
        Tarubinga et al., CW-BASS, 2025, arXiv:2502.15152.

    Example:
        >>> confidence_threshold(torch.tensor([0.5]))
        tensor(0.3000)
    """
    mean = confidence.mean() if confidence.numel() else confidence.new_tensor(0.5)
    return (base / (1 + (-beta * (mean - 0.5)).exp())).clamp(low, high)


def confidence_weighted_cross_entropy_loss(
    logits: Tensor, labels: Tensor, confidence: Tensor, *, gamma: float = 1.0
) -> Tensor:
    r"""Cross-entropy with pseudo-labels, weighed by how sure of them their maker was.

        loss = confidence^gamma * (-log p_label)

    Args:
        logits: (N, C, *S).
        labels: (N, *S), int64.
        confidence: (N, *S) in [0, 1].
        gamma: Exponent.

    Returns:
        One loss per pixel, (N, *S), not negative.

    References:
        Tarubinga et al., CW-BASS, 2025, arXiv:2502.15152.

    Example:
        >>> z, y = torch.zeros(1, 2, 1), torch.zeros(1, 1, dtype=torch.long)
        >>> confidence_weighted_cross_entropy_loss(z, y, torch.full((1, 1), 0.5))  # log(2) / 2
        tensor([[0.3466]])
    """
    return confidence**gamma * F.cross_entropy(logits, labels, reduction="none")


class EntropyLoss(PixelLoss):
    """Registered form of :func:`entropy_loss`; the label only says which pixels are ignored.

    Args:
        options: See :class:`~seglosses.losses.base.PixelLoss`; ``class_weight`` scales the terms
            of the sum.
    """

    formula = "- sum_c w_c p_c log p_c per pixel"
    paper = "Grandvalet and Bengio 2004; Bateson et al. 2022, arXiv:2108.03152"
    use_when = "unlabelled images, beside a term that forbids the trivial solution (ClassRatioKL)"

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Entropy."""
        return entropy_loss(logits, class_weight=self.class_weight)

    def _class_factor(self, target: Tensor) -> Tensor | float:
        return 1.0

    def _binary(self, logits: Tensor, batch: Aligned) -> Tensor:
        if batch.channels == 1:
            return super()._binary(logits, batch)
        pair = torch.stack([-logits / 2, logits / 2], 1)
        terms = entropy_loss(pair)
        if self.class_weight is not None:
            terms = terms * self.class_weight.view(1, -1, *(1,) * (logits.dim() - 2))
        return terms.sum(1)


class ClassRatioKLLoss(ShapeLoss):
    """Registered form of :func:`class_ratio_kl_loss` with :func:`soft_class_ratios`.

    Args:
        prior: Wanted ratios, one a class (for a one-channel head: background, foreground); by
            default those of the image's own label, of which nothing else is used.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`; ``class_weight`` scales the
            terms of the sum. With ``use_sigmoid`` every channel is a binary problem, and an
            image's loss is their mean.

    Raises:
        ValueError: for a prior that is not a distribution or has another number of classes.
    """

    formula = "sum_c r_c log(r_c / prior_c), r the predicted class ratios of an image"
    paper = "Bateson et al. 2022, arXiv:2108.03152"
    use_when = "adaptation without labels when class sizes are known; weak labels"

    def __init__(self, prior: Sequence[float] | None = None, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        if prior is not None and (min(prior) < 0 or abs(sum(prior) - 1) > 1e-3):
            raise ValueError(f"prior must be ratios that sum to 1, got {list(prior)}")
        self.prior = None if prior is None else [float(p) for p in prior]

    def _reduced(
        self,
        batch: Aligned,
        avg_factor: float | Tensor | None,
        reduction: str,
        per_pixel: bool,
    ) -> Tensor:
        self._refuse_per_pixel(per_pixel)
        logits, target, mask = batch.masked_logits(), batch.target(), batch.mask()
        problems, weight = (batch.channels if batch.sigmoid else 1), mask
        if batch.sigmoid:
            z = logits.reshape(-1, 1, *logits.shape[2:])
            y = target.reshape(-1, 1, *logits.shape[2:])
            logits, target = torch.cat([-z / 2, z / 2], 1), torch.cat([1 - y, y], 1)
            weight = None if mask is None else mask.repeat_interleave(problems, 0)
        wanted = self._wanted(target, weight)
        terms = class_ratio_kl_loss(soft_class_ratios(logits, weight), wanted)
        terms = terms.reshape(len(batch.logits), problems, terms.shape[1])
        if self.class_weight is not None:
            # (1, 1, C) for distributions over classes, (1, C, 1) for independent channels
            terms = terms * self.class_weight.view(1, problems, -1)
        loss = terms.sum((1, 2)) / problems
        kept = torch.ones_like(loss, dtype=torch.bool)
        if mask is not None:
            kept = (mask > 0).flatten(1).any(1)
        return reduce_loss(
            torch.where(kept, loss, loss * 0),
            batch.row_weight,
            avg_factor=avg_factor,
            reduction=reduction,
            count=kept.sum(),
        )

    def _wanted(self, target: Tensor, weight: Tensor | None) -> Tensor:
        if self.prior is None:
            sizes = (target if weight is None else target * weight).flatten(2).sum(2)
            total = sizes.sum(1, keepdim=True)
            return sizes / torch.where(total > 0, total, 1.0)
        if len(self.prior) != target.shape[1]:
            raise ValueError(
                f"prior must have one ratio a class: {target.shape[1]}, got {len(self.prior)}"
            )
        return target.new_tensor(self.prior)


def _pseudo_labelled(batch: Aligned, owner: str, threshold: bool) -> Aligned:
    """The batch with the teacher's probabilities for target where a teacher is stated."""
    if extra_input("teacher") is None:
        return batch
    shape = batch.logits.shape
    teacher = extra_map("teacher", owner, shape[0], tuple(shape[2:]), channels=batch.channels)
    prob = activate(teacher.detach().to(batch.logits.dtype), batch.sigmoid)
    valid = batch.valid
    if threshold:
        sure = torch.maximum(prob, 1 - prob).amin(1) if batch.sigmoid else prob.amax(1)
        level = confidence_threshold(sure if valid is None else sure[valid])
        valid = sure > level if valid is None else (sure > level) & valid
    if valid is not None:
        prob = prob.masked_fill(~valid.unsqueeze(1), 0.0)
    return batch._replace(labels=None, dense=prob, valid=valid)


class ConfidenceWeightedCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`confidence_weighted_cross_entropy_loss`.

    Pseudo-labels are the largest entries of dense targets, and of the extra input ``teacher``
    where one is given (then the label only says which pixels are ignored); confidence is that
    entry. Integer labels are certain: for them this is cross-entropy.

    Args:
        gamma: Exponent of the confidence.
        threshold: Ignore pixels of the teacher below :func:`confidence_threshold`.
        options: See :class:`~seglosses.losses.base.PixelLoss`.
    """

    formula = "confidence^gamma * (-log p_label), labels and confidence of a teacher"
    paper = "Tarubinga et al. 2025, arXiv:2502.15152"
    use_when = "pseudo-labels of a teacher (extra input: teacher) or as dense targets"

    def __init__(
        self, gamma: float = 1.0, threshold: bool = True, **options: Unpack[SegOptions]
    ) -> None:
        super().__init__(**options)
        self.gamma = gamma
        self.threshold = threshold

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Weighed cross-entropy."""
        if not target.is_floating_point():
            return F.cross_entropy(logits, target, reduction="none")
        confidence, labels = target.max(1)
        return confidence_weighted_cross_entropy_loss(logits, labels, confidence, gamma=self.gamma)

    def _reduced(
        self,
        batch: Aligned,
        avg_factor: float | Tensor | None,
        reduction: str,
        per_pixel: bool,
    ) -> Tensor:
        batch = _pseudo_labelled(batch, type(self).__name__, self.threshold)
        return super()._reduced(batch, avg_factor, reduction, per_pixel)


class BoundaryCrossEntropyLoss(PixelLoss):
    """Cross-entropy of the pixels that see another label within ``radius``, and of no others.

    Beside :class:`ConfidenceWeightedCrossEntropyLoss` with weight 0.5 it is CW-BASS. Dense targets
    and the extra input ``teacher`` count as the labels of their largest entries. CW-BASS finds
    boundaries with Sobel filters, which mark the frame of the image and miss lines of one pixel;
    here a boundary is where :func:`~seglosses.label_edges.label_boundary` sees one.

    Args:
        radius: Half width of the boundary, pixels.
        options: See :class:`~seglosses.losses.base.PixelLoss`.
    """

    formula = "mean over boundary pixels of -log p_label"
    paper = "Tarubinga et al. 2025, arXiv:2502.15152"
    use_when = "sharper borders, beside cross-entropy, weight 0.5"

    def __init__(self, radius: int = 1, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        if radius < 1:
            raise ValueError(f"radius must be at least 1 pixel, got {radius}")
        self.radius = radius

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy."""
        labels = target.argmax(1) if target.is_floating_point() else target
        return F.cross_entropy(logits, labels, reduction="none")

    def _reduced(
        self,
        batch: Aligned,
        avg_factor: float | Tensor | None,
        reduction: str,
        per_pixel: bool,
    ) -> Tensor:
        owner = type(self).__name__
        # boundaries are those of all pseudo-labels, sure or not
        whole = _pseudo_labelled(batch, owner, threshold=False)
        if whole.sigmoid:
            maps = (whole.target() > 0.5).float()
        elif whole.labels is not None:
            maps = whole.labels.unsqueeze(1)
        else:
            maps = whole.target().argmax(1, keepdim=True)
        boundary = label_boundary(maps, whole.valid, radius=self.radius)
        sure = _pseudo_labelled(batch, owner, threshold=True).valid
        batch = whole._replace(valid=boundary if sure is None else boundary & sure)
        return super()._reduced(batch, avg_factor, reduction, per_pixel)
