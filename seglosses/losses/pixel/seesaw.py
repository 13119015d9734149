"""Losses that weigh classes by what a training has seen of them: Seesaw and EQL v2."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import is_transformed
from seglosses.primitives.encoding import Aligned, at_target, one_hot
from seglosses.primitives.entropy import cross_entropy
from seglosses.primitives.running import RunningSums

__all__ = [
    "EQLv2Loss",
    "SeesawLoss",
    "eqlv2_loss",
    "eqlv2_weights",
    "seesaw_loss",
]


def seesaw_loss(
    logits: Tensor,
    target: Tensor,
    counts: Tensor | None = None,
    *,
    p: float = 0.8,
    q: float = 2.0,
    floor: float = 0.01,
) -> Tensor:
    r"""Cross-entropy in which frequent classes press rare ones less, unless these are mistaken.

        loss = -log(exp z_y / (exp z_y + sum_{k != y} S_yk exp z_k))
        S_yk = min(1, N_k / N_y)^p max(1, s_k / s_y)^q

    N are how often classes were seen, s = softmax(z), a constant of differentiation.

    Args:
        logits: z, (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S), whose largest class is y in S.
        counts: N, (C,); below 1 counts as 1. Without it classes count as equally frequent.
        p: Mitigation: how much less a rare class k is pressed.
        q: Compensation: how much more a class k that is mistaken for y is pressed.
        floor: Smallest s_y.

    Returns:
        (N, *S).

    References:
        Wang et al., Seesaw loss for long-tailed instance segmentation, CVPR 2021, arXiv:2008.10032.

    Example:
        >>> z, y = torch.zeros(1, 2, 1), torch.tensor([[0]])
        >>> seesaw_loss(z, y, torch.tensor([100.0, 1.0]), p=0.5)  # log(1 + 1/10)
        tensor([[0.0953]])
    """
    channels = logits.shape[1]
    label = target.argmax(1) if target.is_floating_point() else target
    own = one_hot(label, max(channels, 2), dtype=torch.bool)
    log_prob = logits.detach().log_softmax(1)
    ahead = log_prob - at_target(log_prob, label).clamp(min=math.log(floor)).unsqueeze(1)
    weight = q * ahead.clamp(min=0)
    if counts is not None:
        seen = counts.to(logits.dtype).clamp(min=1).log()
        rarer = p * (seen.unsqueeze(0) - seen.unsqueeze(1)).clamp(max=0)
        weight = weight + rarer[label].movedim(-1, 1)
    return cross_entropy(logits + weight.masked_fill(own, 0.0), target)


def eqlv2_weights(
    positive: Tensor, negative: Tensor, *, gamma: float = 12.0, mu: float = 0.8, alpha: float = 4.0
) -> tuple[Tensor, Tensor]:
    r"""Weights of positive and negative gradients by what a class has had of each.

        negative: f = 1 / (1 + exp(-gamma (g - mu)))
        positive: 1 + alpha (1 - f),   g the ratio of positive to negative gradients so far

    Args:
        positive: Sums of positive gradients of each class, (C,).
        negative: Sums of negative ones, (C,); a class that had none has the weights 1.
        gamma: Steepness of f.
        mu: The ratio at which f is 1/2.
        alpha: How much positive gradients can gain.

    Returns:
        Positive and negative weights, (C,) each.

    References:
        Tan et al., Equalization loss v2, CVPR 2021, arXiv:2012.08548.

    Example:
        >>> eqlv2_weights(torch.tensor([0.8]), torch.tensor([1.0]))
        (tensor([3.]), tensor([0.5000]))
    """
    ratio = torch.where(negative > 0, positive / (negative + 1e-10), 100.0)
    kept = torch.sigmoid(gamma * (ratio - mu))
    return 1 + alpha * (1 - kept), kept


def eqlv2_loss(
    logits: Tensor,
    target: Tensor,
    positive: Tensor | None = None,
    negative: Tensor | None = None,
    *,
    gamma: float = 12.0,
    mu: float = 0.8,
    alpha: float = 4.0,
) -> Tensor:
    r"""Binary cross-entropy by the weights of :func:`eqlv2_weights`.

        loss = -w+ y log p - w- (1 - y) log(1 - p)

    Args:
        logits: Of independent channels, (N, C, *S).
        target: y, (N, C, *S).
        positive: Sums of positive gradients of each class, (C,); weights are 1 without them.
        negative: Sums of negative ones.
        gamma: Steepness.
        mu: The ratio at which negatives weigh 1/2.
        alpha: How much positives can gain.

    Returns:
        (N, C, *S).

    References:
        Tan et al., Equalization loss v2, CVPR 2021, arXiv:2012.08548.

    Example:
        >>> z, y = torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]])
        >>> eqlv2_loss(z, y, torch.tensor([0.8]), torch.tensor([1.0]))  # 3 log 2 and log 2 / 2
        tensor([[[2.0794, 0.3466]]])
    """
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    if positive is None or negative is None:
        return loss
    more, less = eqlv2_weights(positive, negative, gamma=gamma, mu=mu, alpha=alpha)
    shape = (1, -1, *(1,) * (logits.dim() - 2))
    more, less = more.to(loss.dtype).view(shape), less.to(loss.dtype).view(shape)
    return loss * (more * target + less * (1 - target))


class _SummingLoss(PixelLoss):
    """Keeps sums over a training, which are no options."""

    sums: RunningSums

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"


class SeesawLoss(_SummingLoss):
    """Registered form of :func:`seesaw_loss`; counts pixels of classes over a training.

    Counts are those of all ranks, and are in the checkpoint. Outside of training they stay. Under
    ``use_sigmoid`` the two classes are background and foreground, of all channels together.

    Args:
        p: Mitigation.
        q: Compensation.
        floor: Smallest probability of the label in the compensation.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> loss = SeesawLoss(q=0.0)
        >>> labels = torch.tensor([[0, 0, 0, 1]])
        >>> loss(torch.zeros(1, 2, 4), labels)  # (3 log(1 + (1/3)^.8) + log 2) / 4
        tensor(0.4338)
    """

    formula = "-log(e^z_y / (e^z_y + sum_k S_yk e^z_k)), S = min(1, N_k/N_y)^p max(1, s_k/s_y)^q"
    paper = "Wang et al. 2021, arXiv:2008.10032"
    use_when = "many classes of very different frequency (LVIS, ADE20K), in place of cross-entropy"
    tags = ("imbalance", "detection")

    def __init__(
        self, p: float = 0.8, q: float = 2.0, floor: float = 0.01, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", p=p, q=q)
        check_range("(0, 1]", floor=floor)
        self.p, self.q, self.floor = p, q, floor
        self.sums = RunningSums("counts")

    def prepare(self, batch: Aligned) -> Aligned:
        """Count the labels."""
        if self.training and not is_transformed():
            target = batch.target().detach()
            axes = (0, *range(2, target.dim()))
            counts = target.sum(axes).float()
            if batch.sigmoid:
                valid = batch.logits.numel() if batch.valid is None else batch.valid.sum()
                problems = valid if batch.valid is None else valid * batch.channels
                ones = counts.sum()
                counts = torch.stack([problems - ones, ones])
            self.sums.add(counts=counts)
        return batch

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of weighed logits."""
        counts = self.sums.read("counts", logits.shape[1], logits.device)
        return seesaw_loss(logits, target, counts, p=self.p, q=self.q, floor=self.floor)


class EQLv2Loss(_SummingLoss):
    """Registered form of :func:`eqlv2_loss`: equalization by the gradients of a training.

    Channels are independent, as in a sigmoid head. Sums of gradients are those of all ranks, and
    are in the checkpoint. Outside of training they stay.

    Args:
        gamma: Steepness.
        mu: The ratio at which negatives weigh 1/2.
        alpha: How much positives can gain.
        objectness: The last channel says whether there is an object, and keeps the weight 1.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> loss = EQLv2Loss()
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[1, 0]]))  # nothing was seen before: log 2
        tensor(0.6931)
    """

    formula = "-w+ y log p - w- (1 - y) log(1 - p), w by the ratio of gradients so far"
    paper = "Tan et al. 2021, arXiv:2012.08548"
    use_when = "sigmoid heads of many classes of very different frequency (LVIS)"
    tags = ("imbalance", "detection", "multilabel")
    independent_channels = True

    def __init__(
        self,
        gamma: float = 12.0,
        mu: float = 0.8,
        alpha: float = 4.0,
        objectness: bool = False,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", gamma=gamma)
        check_range("[0, inf)", mu=mu, alpha=alpha)
        self.gamma, self.mu, self.alpha = gamma, mu, alpha
        self.objectness = objectness
        self.sums = RunningSums("positive", "negative")

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        target, channels = batch.target(), logits.shape[1]
        positive = self.sums.read("positive", channels, logits.device)
        negative = self.sums.read("negative", channels, logits.device)
        if self.objectness:
            # a class without negative gradients keeps the weights 1
            negative = torch.cat([negative[:-1], negative.new_zeros(1)])
        loss = eqlv2_loss(
            logits,
            target,
            positive,
            negative,
            gamma=self.gamma,
            mu=self.mu,
            alpha=self.alpha,
        )
        if self.training and not is_transformed():
            self._collect(logits.detach(), target, batch, positive, negative)
        if self.class_weight is not None and channels == 1:
            loss = loss * self.class_weight[target.round().long()]
        return self._weighed(loss)

    def _collect(
        self, logits: Tensor, target: Tensor, batch: Aligned, positive: Tensor, negative: Tensor
    ) -> None:
        more, less = eqlv2_weights(
            positive, negative, gamma=self.gamma, mu=self.mu, alpha=self.alpha
        )
        slope = (logits.sigmoid() - target).abs()
        if batch.valid is not None:
            slope = slope * batch.valid.unsqueeze(1)
        axes = (0, *range(2, logits.dim()))
        self.sums.add(
            positive=(slope * target).sum(axes) * more,
            negative=(slope * (1 - target)).sum(axes) * less,
        )
