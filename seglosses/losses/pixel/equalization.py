"""Equalization loss v2, which weighs classes by the gradients that a training gave them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelOptions
from seglosses.losses.objectness import ObjectnessHead
from seglosses.losses.pixel.seesaw import SummingLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand, is_transformed, widest
from seglosses.primitives.encoding import Aligned, one_hot
from seglosses.primitives.few_classes import as_factor, few_counts, takes_few
from seglosses.primitives.layout import flat_labels, flat_maps
from seglosses.primitives.running import RunningSums

__all__ = [
    "EQLv2Loss",
    "eqlv2_loss",
    "eqlv2_weights",
]


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
    if positive is None or negative is None:
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    more, less = eqlv2_weights(positive, negative, gamma=gamma, mu=mu, alpha=alpha)
    return _weighed_entropy(logits, target, more, less)


class _OfLabels(torch.autograd.Function):
    """:func:`eqlv2_loss` of labels, which weighs all as negatives and puts the own ones right.

    Beside the losses (N, C, P) it returns sums of probabilities of each class, (C,): of all pixels
    that count, and of its own; and how many these are.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, valid: Tensor | None, more: Tensor, less: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        scores, up, down, right, index = _own(logits, labels, more, less)
        loss = F.softplus(logits).mul_(less.view(1, -1, 1))
        own = torch.where(right, up * F.softplus(-scores), down * F.softplus(scores))
        loss.scatter_(1, index, own)
        ctx.save_for_backward(logits, labels, more, less)
        sums = _sums(logits, labels, valid)
        ctx.mark_non_differentiable(*sums)
        return loss, *sums

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor, None, None, None, None]:
        logits, labels, more, less = ctx.saved_tensors
        if torch.is_grad_enabled():
            target = one_hot(labels, logits.shape[1], dtype=logits.dtype)
            loss = _weighed_entropy(logits, target, more, less)
            (slope,) = torch.autograd.grad(loss, logits, grad, create_graph=True)
            return slope, None, None, None, None
        scores, up, down, right, index = _own(logits, labels, more, less)
        slope = logits.sigmoid().mul_(less.view(1, -1, 1))
        slope.scatter_(
            1, index, torch.where(right, -up * (-scores).sigmoid(), down * scores.sigmoid())
        )
        return slope.mul_(grad), None, None, None, None


def _own(
    logits: Tensor, labels: Tensor, more: Tensor, less: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Logits of labels (N, 1, P), both weights, whether the label is a class, and which channel."""
    classes = logits.shape[1]
    index = labels.clamp(max=classes - 1).unsqueeze(1)
    right = (labels < classes).unsqueeze(1)
    return logits.gather(1, index), more[index], less[index], right, index


def _sums(logits: Tensor, labels: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Of each class, (C,): the probabilities of all pixels, and of its own, and their number."""
    if takes_few(logits):
        own, whole, count = few_counts(logits, labels, valid, sigmoid=True)
        return whole.sum(0), own.sum(0), count.sum(0)
    classes, wide = logits.shape[1], widest(logits)
    prob = logits.sigmoid()
    seen = labels < classes if valid is None else (labels < classes) & valid
    place = labels.masked_fill(~seen, classes).flatten()
    hits = prob.gather(1, labels.clamp(max=classes - 1).unsqueeze(1)).flatten().to(wide)
    own = torch.bincount(place, hits, minlength=classes + 1)[:classes]
    count = torch.bincount(place, minlength=classes + 1)[:classes].to(wide)
    share = prob if valid is None else prob * as_factor(valid, prob.dtype).unsqueeze(1)
    return share.sum(2).sum(0).to(wide), own, count


def _weighed_entropy(logits: Tensor, target: Tensor, more: Tensor, less: Tensor) -> Tensor:
    shape = (1, -1, *(1,) * (logits.dim() - 2))
    more, less = more.to(logits.dtype).view(shape), less.to(logits.dtype).view(shape)
    factor = torch.addcmul(less, more - less, target.to(logits.dtype))
    return F.binary_cross_entropy_with_logits(logits, target, factor, reduction="none")


class EQLv2Loss(ObjectnessHead, SummingLoss):
    """Registered form of :func:`eqlv2_loss`: equalization by the gradients of a training.

    Channels are independent, as in a sigmoid head. Sums of gradients are those of all ranks, and
    are in the checkpoint. Outside of training they stay.

    Args:
        gamma: Steepness.
        mu: The ratio at which negatives weigh 1/2.
        alpha: How much positives can gain.
        objectness: One more channel than classes, for box heads, as published: background, which
            is the label C and keeps the weight 1. See
            :class:`~seglosses.losses.objectness.ObjectnessHead`.
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
    extra_channels = 1

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
        self.objectness = self.names_background = objectness
        self.sums = RunningSums("positive", "negative")

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        channels = logits.shape[1]
        positive = self.sums.read("positive", channels, logits.device)
        negative = self.sums.read("negative", channels, logits.device)
        if self.objectness:
            # a class without negative gradients keeps the weights 1
            negative = torch.cat([negative[:-1], negative.new_zeros(1)])
        more, less = eqlv2_weights(
            positive, negative, gamma=self.gamma, mu=self.mu, alpha=self.alpha
        )
        learning = self.training and not is_transformed()
        if batch.labels is not None and channels > 1 and at_hand(logits):
            valid = None if batch.valid is None else flat_labels(batch.valid)
            loss, whole, own, count = _OfLabels.apply(
                flat_maps(logits),
                flat_labels(batch.labels),
                valid,
                more.to(logits.dtype),
                less.to(logits.dtype),
            )  # type: ignore[no-untyped-call]
            loss = loss.view_as(logits)
            if learning:
                # of a class's own pixels |p - y| is 1 - p, of others p
                self._remember(count - own, whole - own, more, less)
            return self._weighed(loss)
        target = batch.target()
        loss = _weighed_entropy(logits, target, more, less)
        if learning:
            self._remember(*_slopes(logits.detach(), target, batch), more, less)
        if self.class_weight is not None and channels == 1:
            loss = loss * self.class_weight[target.round().long()]
        return self._weighed(loss)

    def parted(self, cls_score: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of the classes, and of background."""
        prob = cls_score.sigmoid()
        return prob[:, :-1], prob[:, -1:]

    def _remember(self, first: Tensor, other: Tensor, more: Tensor, less: Tensor) -> None:
        self.sums.add(positive=first.to(more) * more, negative=other.to(less) * less)


def _slopes(logits: Tensor, target: Tensor, batch: Aligned) -> tuple[Tensor, Tensor]:
    """Sums of |p - y| of each class, (C,): of its own pixels, and of others."""
    axes = (0, *range(2, logits.dim()))
    slope = logits.sigmoid()
    if batch.labels is None:
        slope = (slope - target).abs_()
    if batch.valid is not None:
        slope = slope * batch.valid.unsqueeze(1)
    wide = widest(slope)
    whole, own = (each.sum(axes, dtype=wide) for each in (slope, slope * target))
    # of hard labels |p - y| is 1 - p for a class's own pixels, and p for others
    return (own if batch.labels is None else target.sum(axes) - own), whole - own
