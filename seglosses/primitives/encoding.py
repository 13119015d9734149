"""Logits and labels to aligned tensors: the layouts that a loss accepts, activation, one-hot.

The only home of one-hot encoding and of ``ignore_index``.

Layouts, for any number of spatial dimensions ``*S`` (none, 1D, 2D, 3D):

* logits (N, C, *S) with labels (N, *S) or (N, 1, *S) of any type whose values are whole; one
  channel (C = 1) means a foreground logit, whose floating-point targets may also be soft;
* rows of a detection head, logits (n, C) with labels (n,) in [0, C] under sigmoid: C is background,
  so with one channel 0 is the object (give float targets (n, 1) to mean it the other way round);
* logits (N, C, *S) with dense targets (N, C, *S) in [0, 1], or one-hot ones of integers or bool;
* mask logits (n, P) or (n, H, W) with masks of the same shape, under ``use_sigmoid=True``; (P,) are
  points of any masks, each a row of one channel;
* mask-head logits (n, C, H, W) with float masks (n, H, W) and, in place of weights, the integer
  class (n,) whose channel is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from seglosses.primitives.activation import ZeroedWhereIgnored, logsumexp_of_others
from seglosses.primitives.activation import activate as activate
from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.inputs import (
    as_dense,
    as_labels,
    as_weights,
    class_of_masks,
    described,
    one_form,
)
from seglosses.primitives.layout import flat_labels, pick_channels
from seglosses.primitives.layout_words import unfit


class Aligned(NamedTuple):
    """A batch in one layout.

    Exactly one of ``labels`` and ``dense`` is given. ``valid`` is ``None`` where every pixel
    counts; labels at invalid pixels are 0.
    """

    logits: Tensor  #: (N, C, *S), float32 or float64
    labels: Tensor | None  #: (N, *S), int64
    dense: Tensor | None  #: (N, C, *S), the dtype of ``logits``
    valid: Tensor | None  #: (N, *S), bool
    pixel_weight: Tensor | None  #: (N, *S)
    row_weight: Tensor | None  #: (N,)
    sigmoid: bool
    masks: bool = False  #: rows are masks, or points of them: one loss per row
    ignore_index: int | None = None  #: the label that does not count

    @property
    def channels(self) -> int:
        """Number of channels C."""
        return self.logits.shape[1]

    @property
    def spatial(self) -> bool:
        """Whether these are images or volumes, in which pixels have neighbours."""
        return self.logits.dim() in (4, 5)

    def mask(self) -> Tensor | None:
        """Validity times pixel weight, (N, 1, *S) in the dtype of the logits, or ``None``."""
        if self.pixel_weight is None:
            return None if self.valid is None else self.valid.unsqueeze(1).to(self.logits.dtype)
        weight = self.pixel_weight
        if self.valid is not None:
            weight = torch.where(self.valid, weight, 0.0)
        return weight.unsqueeze(1)

    def shares(self) -> Tensor | None:
        """Validity times pixel weight, (N, P), or ``None`` where all pixels count alike.

        Validity alone travels as one byte per pixel.
        """
        weight = self.valid
        if self.pixel_weight is not None:
            mask = self.mask()
            weight = None if mask is None else mask.squeeze(1)
        return None if weight is None else flat_labels(weight)

    def masked_logits(self) -> Tensor:
        """Logits with zeros where ignored, so that nothing downstream can depend on them."""
        if self.valid is None:
            return self.logits
        return self.logits.masked_fill(~self.valid.unsqueeze(1), 0.0)

    def pixel_logits(self) -> Tensor:
        """Logits for what treats each pixel alone and drops the ignored ones afterwards.

        As long as all is finite these get no gradient anyway, which spares a copy.
        """
        # one pass over the logits; elsewhere than on a CPU to ask would cost more than to copy
        cheap = self.valid is not None and at_hand(self.logits)
        if cheap and bool(self.logits.detach().sum().isfinite()):
            return self.logits
        return self.masked_logits()

    def prob(self) -> Tensor:
        """Probabilities (N, C, *S), zero where ignored."""
        if self.valid is not None and not at_hand(self.logits) and not is_transformed():
            prob: Tensor = ZeroedWhereIgnored.apply(
                self.logits, ~self.valid.unsqueeze(1), self.sigmoid
            )  # type: ignore[no-untyped-call]
            return prob
        prob = activate(self.pixel_logits(), self.sigmoid)
        if self.valid is not None:
            prob = prob.masked_fill(~self.valid.unsqueeze(1), 0.0)
        return prob

    def margins(self, chosen: Sequence[int] | None = None) -> Tensor:
        """One-versus-rest logits (N, K, *S) of the chosen channels, zero where ignored.

        Their sigmoid is the probability: z_k - log sum_(j != k) exp(z_j) under softmax, the logits
        themselves under sigmoid. Binary cross-entropy of them never overflows.
        """
        margins = self.masked_logits()
        if not self.sigmoid:
            margins = margins - logsumexp_of_others(margins)
        if chosen is not None:
            margins = pick_channels(margins, chosen)
        if self.valid is not None:
            margins = margins.masked_fill(~self.valid.unsqueeze(1), 0.0)
        return margins

    def picked(self, chosen: list[int]) -> Aligned:
        """The batch of the chosen ones of independent channels.

        The others cost nothing and get no gradient, not even from NaN.
        """
        if self.channels == 1:
            return self
        logits, count = pick_channels(self.logits, chosen), len(chosen)
        if self.dense is not None:
            return self._replace(logits=logits, dense=pick_channels(self.dense, chosen))
        assert self.labels is not None
        # what is not chosen is background: C, or 0 of one channel
        labels = torch.full_like(self.labels, 0 if count == 1 else count)
        for place, channel in enumerate(chosen, start=int(count == 1)):
            labels.masked_fill_(self.labels == channel, place)
        return self._replace(logits=logits, labels=labels)

    def target(self, dtype: torch.dtype | None = None) -> Tensor:
        """One-hot or dense targets (N, C, *S), zero where ignored; one-hot ones of ``dtype``."""
        if self.dense is not None:
            return self.dense
        assert self.labels is not None
        dtype = self.logits.dtype if dtype is None else dtype
        return one_hot(self.labels, self.channels, self.valid, dtype=dtype)


def one_hot(
    labels: Tensor,
    num_classes: int,
    valid: Tensor | None = None,
    *,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Labels (N, *S) to indicators (N, C, *S), zero where not ``valid``.

    One channel is the indicator of label 1. A label equal to ``num_classes`` (the background of
    detection heads) gives zeros.

    Args:
        labels: (N, *S), integers.
        num_classes: C.
        valid: (N, *S), bool; ``None`` where every pixel counts.
        dtype: Of the indicators.

    Returns:
        (N, C, *S).

    Example:
        >>> one_hot(torch.tensor([[0, 2]]), 3)
        tensor([[[1., 0.],
                 [0., 0.],
                 [0., 1.]]])
    """
    if num_classes == 1:
        hot = (labels == 1).unsqueeze(1)
    else:
        classes = torch.arange(num_classes, device=labels.device)
        hot = labels.unsqueeze(1) == classes.view(1, -1, *(1,) * (labels.dim() - 1))
    if valid is not None:
        hot = hot & valid.unsqueeze(1)
    return hot.to(dtype)


def at_target(values: Tensor, target: Tensor) -> Tensor:
    """The value of each pixel's own class, or their mean under a dense target.

    Args:
        values: (N, C, *S), finite.
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S).

    Example:
        >>> values = torch.tensor([[[1.0], [3.0]]])
        >>> at_target(values, torch.tensor([[1]])), at_target(values, torch.full((1, 2, 1), 0.5))
        (tensor([[3.]]), tensor([[2.]]))
    """
    if target.is_floating_point():
        return (values * target).sum(1)
    return values.gather(1, target.unsqueeze(1)).squeeze(1)


def align(
    pred: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int | None = 255,
    use_sigmoid: bool = False,
) -> Aligned:
    """Bring a prediction and its target into one layout (see the module's list).

    Half precision becomes float32; float64 stays. One-channel logits are foreground logits whatever
    ``use_sigmoid`` says, for softmax over one channel is constant. Under softmax dense targets are
    probabilities: a pixel of zeros is ignored, and no sum may be above 1, but for rounding. Where
    ``ignore_index`` is one of the classes, pixels whose dense target is mostly that class are
    ignored, as those of that label are.

    Args:
        pred: Raw logits.
        target: Labels, dense targets or masks.
        weight: At least 0; (N, *S) for pixels, also as (N, 1, *S), flattened (N * prod S,) or
            with dimensions of 1 in place of N or S; or (N,) for images. For float masks integers
            (n,) pick channels.
        ignore_index: Label that does not count, or ``None``.
        use_sigmoid: Channels are independent.

    Returns:
        An :class:`Aligned` batch.

    Raises:
        ValueError: for shapes, dtypes, labels or weights that fit no layout, saying which do.

    Example:
        >>> batch = align(torch.zeros(1, 2, 3), torch.tensor([[0, 1, 255]]))
        >>> batch.valid, batch.labels
        (tensor([[ True,  True, False]]), tensor([[0, 1, 0]]))
        >>> align(torch.zeros(1, 2, 3), torch.tensor([[[0.0, 1.0, 1.0]]])).labels  # (N, 1, *S)
        tensor([[0, 1, 1]])
    """
    if not pred.is_floating_point() or pred.dim() < (1 if use_sigmoid else 2):
        raise ValueError(
            "pred must hold floating-point logits (N, C, *S), or under use_sigmoid (n, *S), got "
            f"{described(pred)}; pass raw outputs, not label maps"
        )
    logits = pred if pred.dtype == torch.float64 else pred.float()
    masks = False
    classes = class_of_masks(logits, target, weight, use_sigmoid)
    if classes is not None:
        rows = torch.arange(len(logits), device=logits.device)
        logits, weight = logits[rows, classes].unsqueeze(1), None
    elif use_sigmoid and pred.dim() <= 3 and target.shape == pred.shape:
        masks = True
        logits = logits.unsqueeze(1)
        # integers of a row are classes, in which 0 is the object; those of a mask say yes or no
        dense_target = target.is_floating_point() or pred.dim() == 1
        target = target.unsqueeze(1).to(logits.dtype) if dense_target else target
        if weight is not None and weight.dim() == pred.dim() > 1:
            weight = weight.unsqueeze(1)
    sigmoid = use_sigmoid or logits.shape[1:2] == (1,)
    form = one_form(target, logits) if logits.dim() > 1 else None
    if form is None:
        raise ValueError(unfit(pred, target, use_sigmoid))
    labels = dense = None
    if form.is_floating_point():
        dense, valid = as_dense(form, logits, ignore_index, sigmoid)
    else:
        labels, valid = as_labels(form, logits, ignore_index, sigmoid)
    pixel_weight, row_weight = as_weights(weight, logits)
    weights = pixel_weight, row_weight
    return Aligned(logits, labels, dense, valid, *weights, sigmoid, masks, ignore_index)
