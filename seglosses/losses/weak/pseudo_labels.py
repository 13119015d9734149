"""Losses of pseudo-labels: confidence and boundaries, after CW-BASS."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_input, extra_map
from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned, activate, one_hot
from seglosses.primitives.label_edges import label_boundary, sobel_boundary

__all__ = [
    "BoundaryCrossEntropyLoss",
    "ConfidenceWeightedCrossEntropyLoss",
    "boundary_cross_entropy_loss",
    "confidence_threshold",
    "confidence_weighted_cross_entropy_loss",
]


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
    return confidence**gamma * _cross_entropy(logits, labels)


def boundary_cross_entropy_loss(
    logits: Tensor, labels: Tensor, *, valid: Tensor | None = None, radius: int = 1
) -> Tensor:
    r"""Cross-entropy of the pixels that see another label within a radius, 0 for the others.

    Args:
        logits: (N, C, *S) with 2 or 3 spatial dimensions.
        labels: (N, *S), int64; in [0, C) at pixels that are not ``valid`` too.
        valid: (N, *S), bool; what is not valid is no boundary. ``None`` where every pixel counts.
        radius: Half side of the window, pixels.

    Returns:
        One loss per pixel, (N, *S), not negative.

    Raises:
        ValueError: for labels of neither images nor volumes.

    References:
        Tarubinga et al., CW-BASS, 2025, arXiv:2502.15152.

    Example:
        >>> boundary_cross_entropy_loss(torch.zeros(1, 2, 1, 4), torch.tensor([[[0, 0, 1, 1]]]))
        tensor([[[0.0000, 0.6931, 0.6931, 0.0000]]])
    """
    boundary = label_boundary(labels.unsqueeze(1), valid, radius=radius)
    return torch.where(boundary, _cross_entropy(logits, labels), 0.0)


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, reduction="none")


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

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> sure = torch.tensor([[[[0.75]], [[0.25]]]])  # of class 0, with 3/4
        >>> ConfidenceWeightedCrossEntropyLoss()(torch.zeros(1, 2, 1, 1), sure)  # 3/4 log 2
        tensor(0.5199)
    """

    formula = "confidence^gamma * (-log p_label), labels and confidence of a teacher"
    paper = "Tarubinga et al. 2025, arXiv:2502.15152"
    use_when = "pseudo-labels, of a teacher (extra input: teacher) or as dense targets"
    tags = ("teacher", "unlabelled")

    def __init__(
        self, gamma: float = 1.0, threshold: bool = True, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", gamma=gamma)
        self.gamma = gamma
        self.threshold = threshold

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Weighed cross-entropy."""
        if not target.is_floating_point():
            return _cross_entropy(logits, target)
        confidence, labels = target.max(1)
        return confidence_weighted_cross_entropy_loss(logits, labels, confidence, gamma=self.gamma)

    def prepare(self, batch: Aligned) -> Aligned:
        """Take the teacher's probabilities for target, where there is a teacher."""
        return _pseudo_labelled(batch, type(self).__name__, self.threshold)


class BoundaryCrossEntropyLoss(PixelLoss):
    """Mean of :func:`boundary_cross_entropy_loss` over the boundary.

    Beside :class:`ConfidenceWeightedCrossEntropyLoss` with weight 0.5 it is CW-BASS. Dense targets
    and the extra input ``teacher`` count as the labels of their largest entries.

    Args:
        radius: Half width of the boundary, pixels.
        edges: 'seen' for boundaries where :func:`~seglosses.primitives.label_edges.label_boundary`
            sees another label; 'sobel' for the published ones of images,
            :func:`~seglosses.primitives.label_edges.sobel_boundary` of each class, which mark the
            frame of the image and the rim of ignored regions, and miss lines of one pixel.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for ``edges`` that do not exist, and a ``radius`` under 1.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[9.0, 0.0, 0.0, 9.0]], [[0.0, 0.0, 0.0, 0.0]]]])
        >>> labels = torch.tensor([[[0, 0, 1, 1]]])  # the two in the middle count
        >>> BoundaryCrossEntropyLoss()(logits, labels)  # log 2
        tensor(0.6931)
    """

    formula = "mean over boundary pixels of -log p_label"
    paper = "Tarubinga et al. 2025, arXiv:2502.15152"
    use_when = "sharper borders; beside cross-entropy, weight 0.5"
    tags = ("boundary", "unlabelled")

    def __init__(
        self,
        radius: int = 1,
        edges: Literal["seen", "sobel"] = "seen",
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[1, inf)", whole=True, radius=radius)
        if edges not in ("seen", "sobel") or (edges == "sobel" and radius != 1):
            raise ValueError(
                f"edges must be 'seen' or 'sobel', which has radius 1; got {edges!r} with {radius}"
            )
        self.radius, self.edges = radius, edges

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy."""
        labels = target.argmax(1) if target.is_floating_point() else target
        return _cross_entropy(logits, labels)

    def prepare(self, batch: Aligned) -> Aligned:
        """Ignore all but the boundary."""
        owner = type(self).__name__
        # boundaries are those of all pseudo-labels, sure or not
        whole = _pseudo_labelled(batch, owner, threshold=False)
        if whole.sigmoid:
            maps = (whole.target() > 0.5).float()
        elif whole.labels is not None:
            maps = whole.labels.unsqueeze(1)
        else:
            maps = whole.target().argmax(1, keepdim=True)
        boundary = self._boundary(maps, whole)
        sure = _pseudo_labelled(batch, owner, threshold=True).valid
        return whole._replace(valid=boundary if sure is None else boundary & sure)

    def _boundary(self, maps: Tensor, batch: Aligned) -> Tensor:
        if self.edges == "seen":
            return label_boundary(maps, batch.valid, radius=self.radius)
        if batch.sigmoid:
            masks = torch.cat([maps, 1 - maps], 1)
        else:
            masks = one_hot(maps.squeeze(1), batch.channels)
        if batch.valid is None:
            return sobel_boundary(masks)
        return sobel_boundary(masks * batch.valid.unsqueeze(1)) & batch.valid
