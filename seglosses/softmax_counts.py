"""Soft counts of softmax logits and integer labels, by few passes and with little kept.

On a CPU fresh full-size tensors and broadcast masks cost more than arithmetic. Forward makes one
such tensor, keeps the logits and the logarithm of each pixel's sum, and backward makes another,
which is the gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def softmax_counts(
    logits: Tensor, labels: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Intersection, mass of the prediction and mass of the label.

    Args:
        logits: (N, C, P) with C > 1.
        labels: (N, P) in [0, C).
        weight: (N, P), boolean or floating point; pixels of weight zero may hold anything.

    Returns:
        Three tensors (N, C); the last one carries no graph.

    Example:
        >>> counts = softmax_counts(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 1, 1]]), None)
        >>> [count.tolist() for count in counts]
        [[[1.0, 1.0]], [[2.0, 2.0]], [[2.0, 2.0]]]
    """
    counts: tuple[Tensor, Tensor, Tensor] = _SoftmaxCounts.apply(  # type: ignore[no-untyped-call]
        logits, labels, weight
    )
    return counts


class _SoftmaxCounts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        channels = logits.shape[1]
        peak = logits.amax(1, keepdim=True)
        prob = (logits - peak).exp_()
        total = prob.sum(1, keepdim=True)
        ones = torch.ones_like(total) if weight is None else weight.unsqueeze(1).to(prob.dtype)
        prob.mul_(ones / total)
        mass = prob.sum(2)
        # zero times NaN is NaN; to look costs little on a CPU, elsewhere to mask costs less
        ctx.masked = weight is not None and (
            prob.device.type != "cpu" or not bool(mass.isfinite().all())
        )
        if ctx.masked:
            prob.masked_fill_(ones == 0, 0.0)
            mass = prob.sum(2)
        own = prob.gather(1, labels.unsqueeze(1)).squeeze(1)
        zeros = torch.zeros(len(labels), channels, dtype=torch.float64, device=prob.device)
        tp = zeros.scatter_add(1, labels, own.double()).to(prob.dtype)
        target = zeros.scatter_add(1, labels, ones.squeeze(1).double()).to(prob.dtype)
        small = labels.to(torch.uint8) if channels <= 256 else labels
        kept = () if weight is None else (weight,)
        ctx.save_for_backward(logits, small, peak.add_(total.log_()), *kept)
        ctx.mark_non_differentiable(target)
        return tp, mass, target

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        logits, small, log_total, *kept = ctx.saved_tensors
        labels = small.long()
        weight = kept[0].to(logits.dtype) if kept else None
        prob = (logits - log_total).exp_()
        if ctx.masked:
            assert weight is not None
            prob.masked_fill_((weight == 0).unsqueeze(1), 0.0)
        # d/d prob is grad_mass everywhere, and grad_tp once more at the pixel's own class
        own = prob.gather(1, labels.unsqueeze(1)).mul_(grad_tp.gather(1, labels).unsqueeze(1))
        mean = torch.bmm(grad_mass.unsqueeze(1), prob).add_(own)
        if weight is not None:
            mean.mul_(weight.unsqueeze(1))
            own.mul_(weight.unsqueeze(1))
        if prob.device.type == "cpu":
            # one channel at a time stays in the cache
            for image, slopes, middle, row in zip(
                prob, grad_mass, mean, weight if weight is not None else mean, strict=True
            ):
                for channel, slope in zip(image, slopes, strict=True):
                    lever = slope if weight is None else slope * row
                    channel.mul_(lever - middle[0])
        else:
            lever = grad_mass.unsqueeze(2)
            prob.mul_((lever if weight is None else lever * weight.unsqueeze(1)) - mean)
        prob.scatter_add_(1, labels.unsqueeze(1), own)
        return prob, None, None
