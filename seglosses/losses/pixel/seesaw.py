"""Seesaw loss, which weighs classes by how often a training has seen them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.losses.objectness import ObjectnessHead
from seglosses.primitives.checks import check_range, require_between
from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.encoding import Aligned, at_target
from seglosses.primitives.entropy import cross_entropy
from seglosses.primitives.layout import blocks, flat_labels, flat_maps
from seglosses.primitives.running import RunningSums

__all__ = [
    "SeesawLoss",
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
    label = target.argmax(1) if target.is_floating_point() else target
    seen = None if counts is None else counts.to(logits.dtype).clamp(min=1).log()
    maps, labels = flat_maps(logits), flat_labels(label)
    if at_hand(logits):
        weighed: Tensor = _Weighed.apply(maps, labels, seen, p, q, floor)  # type: ignore[no-untyped-call]
    else:
        weighed = maps + _log_weights(maps.detach(), labels, seen, p, q, floor)
    return cross_entropy(weighed.view_as(logits), target)


class _Weighed(torch.autograd.Function):
    """Logits and the logarithms of their weights, which are constants, added block by block."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, label: Tensor, seen: Tensor | None, *options: float
    ) -> Tensor:
        weighed = torch.empty_like(logits)
        for rows, pixels in blocks(logits):
            part = logits[rows, :, pixels]
            weight = _log_weights(part, label[rows, pixels], seen, *options)
            torch.add(weight, part, out=weighed[rows, :, pixels])
        return weighed

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        return grad, None, None, None, None, None


def _log_weights(
    logits: Tensor, label: Tensor, seen: Tensor | None, p: float, q: float, floor: float
) -> Tensor:
    """Log S, (N, C, P); at the label itself 0."""
    log_prob = logits.log_softmax(1)
    ahead = log_prob.sub_(at_target(log_prob, label).clamp(min=math.log(floor)).unsqueeze(1))
    weight = ahead.clamp_(min=0).mul_(q)
    if seen is None:
        return weight
    rarer = seen.view(1, -1, 1) - seen[label].unsqueeze(1)
    return weight.add_(rarer.clamp_(max=0), alpha=p)


def _counts(batch: Aligned) -> Tensor:
    """How many pixels that count each class has, (C,)."""
    if batch.labels is None or batch.sigmoid or not at_hand(batch.labels):
        target = batch.target().detach()
        return target.sum((0, *range(2, target.dim()))).float()
    labels = batch.labels if batch.valid is None else batch.labels[batch.valid]
    return torch.bincount(labels.flatten(), minlength=batch.channels).float()


class SummingLoss(PixelLoss):
    """Keeps sums over a training, which are no options."""

    sums: RunningSums

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"


class SeesawLoss(ObjectnessHead, SummingLoss):
    """Registered form of :func:`seesaw_loss`; counts pixels of classes over a training.

    Counts are those of all ranks, and are in the checkpoint. Outside of training they stay. Under
    ``use_sigmoid`` the two classes are background and foreground, of all channels together.

    Args:
        p: Mitigation.
        q: Compensation.
        floor: Smallest probability of the label in the compensation.
        objectness: Two more channels than classes, for box heads, as published: object against
            background, to which the label C belongs. Classes are compared at objects alone, and
            background, which would be the most frequent by far, presses none of them; the loss is
            the sum of both terms. See :class:`~seglosses.losses.objectness.ObjectnessHead`.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: with ``objectness``, for ``use_sigmoid``, dense targets, or labels above C.

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
    extra_channels = 2

    def __init__(
        self,
        p: float = 0.8,
        q: float = 2.0,
        floor: float = 0.01,
        objectness: bool = False,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        if objectness and self.use_sigmoid:
            raise ValueError(
                "SeesawLoss(objectness=True) compares classes by softmax: drop use_sigmoid, or take"
                " EQLv2Loss(objectness=True)"
            )
        self.objectness = objectness
        check_range("[0, inf)", p=p, q=q)
        check_range("(0, 1]", floor=floor)
        self.p, self.q, self.floor = p, q, floor
        self.sums = RunningSums("counts")

    def prepare(self, batch: Aligned) -> Aligned:
        """Count the labels."""
        if self.training and not is_transformed():
            counts = _counts(batch)
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
        if self.objectness:
            return self._with_background(logits, target, counts)
        return seesaw_loss(logits, target, counts, p=self.p, q=self.q, floor=self.floor)

    def parted(self, cls_score: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of the classes of an object, and of background."""
        return cls_score[:, :-2].softmax(1), cls_score[:, -2:].softmax(1)[:, 1:]

    def _with_background(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        classes = logits.shape[1] - 2
        if target.is_floating_point():
            raise ValueError(
                "SeesawLoss(objectness=True) takes labels in [0, C], C for background; got a dense"
                f" target {tuple(target.shape)}"
            )
        words = f"labels must lie in [0, {classes}] for {classes} classes, {classes} for background"
        require_between(target, 0, classes, words)
        none = target == classes
        found = cross_entropy(logits[:, -2:], none.long())
        own = seesaw_loss(
            logits[:, :-2],
            target.masked_fill(none, 0),
            counts[:classes],
            p=self.p,
            q=self.q,
            floor=self.floor,
        )
        return found + torch.where(none, 0.0, own)
