"""Soft counts: how much of each class was predicted, labelled, and both.

Every overlap loss is a short reading of these three numbers per image and class.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand, is_transformed, widest
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.few_classes import as_factor, few_counts, takes_few
from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import flat_labels, flat_maps, in_bytes
from seglosses.primitives.softmax_counts import softmax_counts

Intersection = Literal["min", "product", "difference", "norm2"]


class Counts(NamedTuple):
    """Soft counts, each (N, C).

    Example:
        >>> Counts(torch.tensor(2.0), torch.tensor(3.0), torch.tensor(4.0)).fn
        tensor(2.)
    """

    tp: Tensor  #: intersection of prediction and target
    prob: Tensor  #: mass of the prediction
    target: Tensor  #: mass of the target

    @property
    def fp(self) -> Tensor:
        """Predicted, not labelled."""
        return self.prob - self.tp

    @property
    def fn(self) -> Tensor:
        """Labelled, not predicted."""
        return self.target - self.tp

    def pooled(self) -> Counts:
        """Counts of the whole batch, (1, C)."""
        return Counts(*(count.sum(0, keepdim=True) for count in self))


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """``numerator / denominator``, and 1 where both vanish (nothing to find, nothing found).

    Args:
        numerator: Any shape; 0 wherever the denominator is.
        denominator: That shape.

    Returns:
        That shape, with a finite gradient.

    Example:
        >>> ratio(torch.tensor([1.0, 0.0]), torch.tensor([2.0, 0.0]))
        tensor([0.5000, 1.0000])
    """
    empty = denominator == 0
    if at_hand(empty) and not bool(empty.any()):
        return numerator / denominator
    return torch.where(empty, 1.0, numerator / torch.where(empty, 1.0, denominator))


def soft_counts(
    prob: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    intersection: Intersection = "min",
) -> Counts:
    r"""Soft counts of dense probabilities and targets.

        min:        tp = sum min(x, y),  fp = sum max(x - y, 0),  fn = sum max(y - x, 0)
        difference: tp = sum x y,        fp = sum max(x - y, 0),  fn = sum max(y - x, 0)
        product:    tp = sum x y,        fp = sum x - tp,         fn = sum y - tp
        norm2:      tp = sum x y,        fp = sum x^2 - tp,       fn = sum y^2 - tp

    For hard targets the first three agree. For soft ones, fp and fn vanish at x = y with 'min'
    (JML1, DML1), 'difference' (JML2, DML2) and 'norm2' (V-Net), but not with 'product', whose
    best prediction of y = 0.5 is x = 1.

    Args:
        prob: (N, C, *S) in [0, 1].
        target: (N, C, *S) in [0, 1].
        weight: (N, 1, *S) or broadcastable weights of pixels.
        intersection: Which product of soft sets.

    Returns:
        :class:`Counts` of shape (N, C).

    References:
        Wang et al., Jaccard Metric Losses, NeurIPS 2023, arXiv:2302.05666 ('min');
        Milletari et al., V-Net, 3DV 2016 ('norm2').

    Example:
        >>> x, y = torch.tensor([[[0.5, 1.0]]]), torch.tensor([[[1.0, 1.0]]])
        >>> [count.item() for count in soft_counts(x, y)]
        [1.5, 1.5, 2.0]
    """
    check_intersection(intersection)
    x, y = flat_maps(prob), flat_maps(target)
    both = torch.minimum(x, y) if intersection == "min" else x * y
    if intersection == "norm2":
        x, y = x.square(), y.square()
    elif intersection == "difference":
        common = torch.minimum(x, y)
        x, y = both + (x - common), both + (y - common)
    if weight is None:
        return Counts(both.sum(2), x.sum(2), y.sum(2))
    w = flat_maps(weight)
    return Counts((both * w).sum(2), (x * w).sum(2), (y * w).sum(2))


def check_intersection(intersection: str) -> None:
    """Raise ``ValueError`` for an unknown intersection.

    Example:
        >>> check_intersection("min")
    """
    if intersection not in ("min", "product", "difference", "norm2"):
        raise ValueError(
            f"intersection must be 'min', 'product', 'difference' or 'norm2', got {intersection!r}"
        )


def tversky_index(
    counts: Counts, *, alpha: float = 0.5, beta: float = 0.5, smooth: float = 0.0
) -> Tensor:
    r"""Tversky index of soft counts: Dice at alpha = beta = 1/2, Jaccard at 1.

        index = (tp + smooth) / (tp + alpha fp + beta fn + smooth)

    Args:
        counts: Soft counts (N, C).
        alpha: Price of a false positive.
        beta: Price of a false negative.
        smooth: Added above and below, in pixels.

    Returns:
        (N, C) in [0, 1]; 1 where prediction and target are both empty.

    Example:
        >>> counts = Counts(torch.tensor(2.0), torch.tensor(3.0), torch.tensor(4.0))
        >>> tversky_index(counts, alpha=1, beta=1)  # 2 / (2 + 1 + 2)
        tensor(0.4000)
    """
    hit = counts.tp + smooth if smooth else counts.tp
    # few steps, for these are numbers per class, of which a step costs more than its arithmetic
    below = torch.add(torch.add(hit, counts.fp, alpha=alpha), counts.fn, alpha=beta)
    return ratio(hit, below)


def dice_index(counts: Counts, *, smooth: float = 0.0) -> Tensor:
    """Dice of soft counts, (2 tp + smooth) / (2 tp + fp + fn + smooth); as :func:`tversky_index`.

    Example:
        >>> dice_index(Counts(torch.tensor(2.0), torch.tensor(3.0), torch.tensor(5.0)))  # 4 / 8
        tensor(0.5000)
    """
    return tversky_index(counts, alpha=0.5, beta=0.5, smooth=smooth / 2)


def batch_counts(batch: Aligned, intersection: Intersection = "min") -> Counts:
    """Soft counts of an aligned batch, without a one-hot tensor where labels are integers.

    For hard targets all but 'norm2' agree and take the path that keeps only logits and labels for
    backward, but under ``torch.func``.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 1, 255]]))
        >>> [count.tolist() for count in batch_counts(batch)]
        [[[1.0, 0.5]], [[1.5, 1.5]], [[2.0, 1.0]]]
    """
    if batch.labels is not None and intersection != "norm2" and not is_transformed():
        labels, share = flat_labels(batch.labels), batch.shares()
        if not batch.sigmoid:
            return Counts(*softmax_counts(flat_maps(batch.logits), labels, share))
        if takes_few(batch.logits):
            return Counts(*few_counts(flat_maps(batch.logits), labels, share, sigmoid=True))
        counts = _LabelCounts.apply(batch.logits, labels, share)  # type: ignore[no-untyped-call]
        return Counts(*counts)
    return soft_counts(batch.prob(), batch.target(), batch.mask(), intersection=intersection)


def _weigh(maps: Tensor, weight: Tensor | None) -> None:
    """Multiply (N, C, P) in place by weights (N, P); where these are zero, NaN becomes zero too."""
    if weight is None:
        return
    if at_hand(maps):
        # a CPU multiplies ten times as fast as it chooses
        maps.mul_(as_factor(weight, maps.dtype).unsqueeze(1))
        if bool(maps.sum().isfinite()):
            return
    elif weight.dtype != torch.bool:
        maps.mul_(weight.unsqueeze(1))
    maps.masked_fill_((weight == 0).unsqueeze(1), 0.0)


class _LabelCounts(torch.autograd.Function):
    """Counts of independent channels; saves the logits, labels and weights only."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        labels: Tensor,
        weight: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        channels = logits.shape[1]
        prob = flat_maps(logits).sigmoid()
        _weigh(prob, weight)
        mass = prob.sum(2)
        small = in_bytes(labels, channels + 1)
        if channels == 1:
            hot = small.unsqueeze(1).to(prob.dtype)
            tp = (prob * hot).sum(2)
            _weigh(hot, weight)
            target = hot.sum(2)
        else:
            # a label equal to C (background of detection heads) falls into a column cut off again
            shape = (len(labels), channels + 1)
            ones = torch.ones_like(prob[:, 0]) if weight is None else as_factor(weight, prob.dtype)
            own = prob.gather(1, labels.clamp(max=channels - 1).unsqueeze(1)).squeeze(1)
            zeros = torch.zeros(shape, dtype=widest(prob), device=prob.device)
            tp = zeros.scatter_add(1, labels, own.to(zeros.dtype))[:, :channels].to(prob.dtype)
            target = zeros.scatter_add(1, labels, ones.to(zeros.dtype))[:, :channels]
            target = target.to(prob.dtype)
        ctx.save_for_backward(logits, small, *(() if weight is None else (weight,)))
        ctx.mark_non_differentiable(target)
        return tp, mass, target

    @staticmethod
    @first_order
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        logits, small, *rest = ctx.saved_tensors
        weight = rest[0] if rest else None
        channels = logits.shape[1]
        prob = flat_maps(logits).sigmoid()
        # d/d prob of each pixel: grad_mass everywhere, grad_tp once more at the pixel's own class
        if channels == 1:
            hot = small.unsqueeze(1).to(prob.dtype)
            grad = hot.mul_(grad_tp.unsqueeze(2)).add_(grad_mass.unsqueeze(2))
        else:
            labels = small.long()
            known = labels.clamp(max=channels - 1)
            extra = grad_tp.gather(1, known).masked_fill(labels == channels, 0.0).unsqueeze(1)
            grad = grad_mass.unsqueeze(2).expand_as(prob).clone()
            grad.scatter_add_(1, known.unsqueeze(1), extra)
        grad.mul_(prob).mul_(prob.neg_().add_(1))
        _weigh(grad, weight)
        return grad.view_as(logits), None, None
