"""Pixel losses that weigh the label and the other classes by powers of their own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import at_target
from seglosses.primitives.focusing import focal_power

__all__ = [
    "AsymmetricLoss",
    "SingleLabelAsymmetricLoss",
    "asymmetric_loss",
    "single_label_asymmetric_loss",
]


def asymmetric_loss(
    logits: Tensor,
    target: Tensor,
    *,
    gamma_neg: float = 4.0,
    gamma_pos: float = 1.0,
    clip: float = 0.05,
    detach: bool = False,
) -> Tensor:
    r"""Asymmetric loss of independent foregrounds.

        p_m = max(p - clip, 0)
        loss = -y (1 - p)^gamma_pos log p - (1 - y) p_m^gamma_neg log(1 - p_m)

    Negatives below ``clip`` cost nothing.

    Args:
        logits: Foreground logits, any shape.
        target: In [0, 1], of the same shape.
        gamma_neg: Focusing power of negatives.
        gamma_pos: Focusing power of positives.
        clip: Shift of the probability of negatives.
        detach: The focusing powers carry no gradient, as by default in the authors'
            ``AsymmetricLoss``; in their ``AsymmetricLossOptimized`` they do. The values agree.

    Returns:
        The shape of ``logits``.

    References:
        Ridnik et al., Asymmetric loss for multi-label classification, ICCV 2021, arXiv:2009.14119.

    Example:
        >>> import torch
        >>> asymmetric_loss(torch.zeros(2), torch.tensor([1.0, 0.0]))  # log 2 / 2, -.45^4 log .55
        tensor([0.3466, 0.0245])
    """
    prob = logits.sigmoid()
    base = prob.detach() if detach else prob
    positive = -focal_power(1 - base, gamma_pos) * F.logsigmoid(logits)
    if clip > 0:
        shifted = (prob - clip).clamp(min=0)
        entropy = -torch.log1p(-shifted)
    else:
        shifted, entropy = prob, -F.logsigmoid(-logits)
    focus = focal_power(shifted.detach() if detach else shifted, gamma_neg)
    return target * positive + (1 - target) * focus * entropy


def single_label_asymmetric_loss(
    logits: Tensor,
    target: Tensor,
    *,
    gamma_neg: float = 4.0,
    gamma_pos: float = 0.0,
    smoothing: float = 0.1,
) -> Tensor:
    r"""Asymmetric loss of classes that exclude each other: label smoothing that fades.

        t_y = 1 - smoothing + smoothing / C,  t_k = smoothing / C
        loss = -t_y (1 - p_y)^gamma_pos log p_y - sum_{k != y} t_k p_k^gamma_neg log p_k

    At gamma_pos = 0, the authors' default, the label's term is that of cross-entropy; without
    smoothing nothing else is left, whatever gamma_neg is, and gamma_pos makes it the focal loss.
    With both powers 0 it is label smoothing, which draws every probability to smoothing / C; a
    positive gamma_neg lets that pull vanish at small probabilities, so certainty costs nothing. The
    powers take part in the gradient, as in the authors' code of this form.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S), of whose classes the losses are
            averaged.
        gamma_neg: Focusing power of the other classes.
        gamma_pos: Focusing power of the label.
        smoothing: Amount of label smoothing, in [0, 1].

    Returns:
        (N, *S).

    References:
        Ridnik et al., Asymmetric loss for multi-label classification, ICCV 2021, arXiv:2009.14119;
        this form is in its code alone.

    Example:
        >>> import torch
        >>> z = torch.zeros(1, 2, 1)
        >>> single_label_asymmetric_loss(z, torch.tensor([[1]]))  # (.95 + .05 / 2^4) log 2
        tensor([[0.6607]])
    """
    log_prob = logits.log_softmax(1)
    label = _focused(-log_prob, -log_prob.expm1(), gamma_pos)
    if smoothing == 0:
        return at_target(label, target)
    share = smoothing / logits.shape[1]
    others = _focused(-log_prob, log_prob.exp(), gamma_neg)
    own = at_target((1 - smoothing + share) * label - share * others, target)
    return own + share * others.sum(1)


def _focused(entropy: Tensor, base: Tensor, gamma: float) -> Tensor:
    return entropy * focal_power(base, gamma) if gamma else entropy


class AsymmetricLoss(PixelLoss):
    """Registered form of :func:`asymmetric_loss`, summed over channels.

    Channels are independent foregrounds whatever ``use_sigmoid`` says; state it in detection
    configs, where heads read it. The authors sum over the batch: ``reduction='sum'``.

    Args:
        gamma_neg: Focusing power of negatives.
        gamma_pos: Focusing power of positives.
        clip: Shift of the probability of negatives.
        detach: The focusing powers carry no gradient, see :func:`asymmetric_loss`.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> loss = AsymmetricLoss(reduction="sum")
        >>> loss(torch.zeros(1, 1, 1, 2), torch.tensor([[[1, 0]]]))  # log 2 / 2 - 0.45^4 log 0.55
        tensor(0.3711)
    """

    formula = "-y (1-p)^g+ log p - (1-y) p_m^g- log(1-p_m), p_m = max(p - m, 0)"
    paper = "Ridnik et al. 2021, arXiv:2009.14119"
    use_when = "many channels, few of them positive: multi-label maps, dense detection"
    tags = ("imbalance", "multilabel", "detection")
    independent_channels = True

    def __init__(
        self,
        gamma_neg: float = 4.0,
        gamma_pos: float = 1.0,
        clip: float = 0.05,
        detach: bool = False,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", gamma_neg=gamma_neg, gamma_pos=gamma_pos)
        check_range("[0, 1)", clip=clip)
        self.gamma_neg, self.gamma_pos, self.clip = gamma_neg, gamma_pos, clip
        self.detach = detach

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of the foreground logit, which is the difference of the pair."""
        return asymmetric_loss(
            logits[:, 1] - logits[:, 0],
            target[:, 1] if target.is_floating_point() else target.to(logits.dtype),
            gamma_neg=self.gamma_neg,
            gamma_pos=self.gamma_pos,
            clip=self.clip,
            detach=self.detach,
        )


class SingleLabelAsymmetricLoss(PixelLoss):
    """Registered form of :func:`single_label_asymmetric_loss`.

    For channels that are independent take :class:`AsymmetricLoss`.

    Args:
        gamma_neg: Focusing power of the other classes.
        gamma_pos: Focusing power of the label.
        smoothing: Amount of label smoothing, in [0, 1]; at 0 gamma_neg does nothing.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> loss = SingleLabelAsymmetricLoss()
        >>> loss(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # 0.95 log 2 + 0.05 / 2^4 log 2
        tensor(0.6607)
    """

    formula = "-t_y (1-p_y)^g+ log p_y - sum_{k != y} t_k p_k^g- log p_k, t smoothed"
    paper = "Ridnik et al. 2021, arXiv:2009.14119"
    use_when = "label smoothing of uncertain pixels only: confident ones are not penalised"
    tags = ("calibration",)

    def __init__(
        self,
        gamma_neg: float = 4.0,
        gamma_pos: float = 0.0,
        smoothing: float = 0.1,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", gamma_neg=gamma_neg, gamma_pos=gamma_pos)
        check_range("[0, 1]", smoothing=smoothing)
        self.gamma_neg, self.gamma_pos, self.smoothing = gamma_neg, gamma_pos, smoothing

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of smoothed labels, each class with its power."""
        return single_label_asymmetric_loss(
            logits,
            target,
            gamma_neg=self.gamma_neg,
            gamma_pos=self.gamma_pos,
            smoothing=self.smoothing,
        )
