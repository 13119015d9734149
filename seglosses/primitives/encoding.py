"""Logits and labels to aligned tensors: the layouts that a loss accepts, activation, one-hot.

The only home of one-hot encoding and of ``ignore_index``.

Layouts, for any number of spatial dimensions ``*S`` (none, 1D, 2D, 3D):

* logits (N, C, *S) with integer labels (N, *S); one channel (C = 1) means a foreground logit;
* rows of a detection head, logits (n, C) with labels (n,) in [0, C] under sigmoid: C is background,
  so with one channel 0 is the object (give float targets (n, 1) to mean it the other way round);
* logits (N, C, *S) with dense float targets (N, C, *S) in [0, 1];
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

from seglosses.primitives.checks import check_weight, require_between
from seglosses.primitives.device import at_hand
from seglosses.primitives.layout import pick_channels

_RANGE = "dense targets must lie in [0, 1]; scale masks of {0, 255} first"
_MASS = (
    "under softmax dense targets are probabilities, with a sum of at most 1 at every pixel; pass"
    " use_sigmoid=True for independent channels (multi-label)"
)


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

    @property
    def channels(self) -> int:
        """Number of channels C."""
        return self.logits.shape[1]

    def mask(self) -> Tensor | None:
        """Validity times pixel weight, (N, 1, *S) in the dtype of the logits, or ``None``."""
        if self.pixel_weight is None:
            return None if self.valid is None else self.valid.unsqueeze(1).to(self.logits.dtype)
        weight = self.pixel_weight
        if self.valid is not None:
            weight = torch.where(self.valid, weight, 0.0)
        return weight.unsqueeze(1)

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
            margins = margins - _logsumexp_of_others(margins)
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

    def target(self) -> Tensor:
        """One-hot or dense targets (N, C, *S), zero where ignored."""
        if self.dense is not None:
            return self.dense
        assert self.labels is not None
        return one_hot(self.labels, self.channels, self.valid, dtype=self.logits.dtype)


def _logsumexp_of_others(logits: Tensor) -> Tensor:
    """Log sum_(j != k) exp(z_j) of every channel k (N, C, *S), C > 1."""
    if logits.shape[1] == 2:
        return logits.flip(1)
    total = logits.logsumexp(1, keepdim=True)
    # to take the largest one away would cancel; the sum without it is taken anew
    largest = torch.zeros_like(logits, dtype=torch.bool)
    largest.scatter_(1, logits.detach().argmax(1, keepdim=True), True)
    without = logits.masked_fill(largest, -torch.inf).logsumexp(1, keepdim=True)
    share = (logits - total).exp().masked_fill(largest, 0.0)
    return torch.where(largest, without, total + torch.log1p(-share))


def activate(logits: Tensor, sigmoid: bool) -> Tensor:
    """Sigmoid, or softmax over dimension 1.

    Args:
        logits: (N, C, *S).
        sigmoid: Channels are independent.

    Returns:
        Probabilities (N, C, *S).

    Example:
        >>> activate(torch.zeros(1, 2, 1), sigmoid=False).flatten()
        tensor([0.5000, 0.5000])
    """
    return logits.sigmoid() if sigmoid else logits.softmax(1)


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
    probabilities: a pixel of zeros is ignored, and no sum may be above 1, but for rounding.

    Args:
        pred: Raw logits.
        target: Labels, dense targets or masks.
        weight: (N, *S) weights of pixels, or (N,) of images, at least 0; integer (n,) picks
            channels for float masks.
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
    """
    if not pred.is_floating_point() or pred.dim() < (1 if use_sigmoid else 2):
        raise ValueError(
            "pred must hold floating-point logits (N, C, *S), or under use_sigmoid (n, *S), got "
            f"{_describe(pred)}; pass raw outputs, not label maps"
        )
    logits = pred if pred.dtype == torch.float64 else pred.float()
    if weight is not None and not weight.is_floating_point() and weight.dtype != torch.bool:
        logits, weight = _pick_class(logits, target, weight, use_sigmoid), None
        target = target.unsqueeze(1) if target.is_floating_point() else target
    elif use_sigmoid and pred.dim() <= 3 and target.shape == pred.shape:
        logits = logits.unsqueeze(1)
        # integers of a row are classes, in which 0 is the object; those of a mask say yes or no
        dense_target = target.is_floating_point() or pred.dim() == 1
        target = target.unsqueeze(1).to(logits.dtype) if dense_target else target
    sigmoid = use_sigmoid or logits.shape[1] == 1
    if target.shape == logits.shape and target.is_floating_point():
        dense, valid = _dense(target, logits, ignore_index, sigmoid)
        labels = None
    elif target.shape == logits.shape[:1] + logits.shape[2:] and not target.is_floating_point():
        labels, valid = _labels(target, logits, ignore_index, sigmoid)
        dense = None
    else:
        raise ValueError(_layout_message(pred, target, use_sigmoid))
    pixel_weight, row_weight = _weights(weight, logits)
    return Aligned(logits, labels, dense, valid, pixel_weight, row_weight, sigmoid)


def _pick_class(logits: Tensor, target: Tensor, classes: Tensor, use_sigmoid: bool) -> Tensor:
    fits = (
        use_sigmoid
        and logits.dim() >= 3
        and classes.shape == logits.shape[:1]
        and target.shape == logits.shape[:1] + logits.shape[2:]
    )
    if not fits:
        raise ValueError(
            "an integer third argument means the class of each mask (mask heads): expected"
            " use_sigmoid=True, logits (n, C, H, W), masks (n, H, W) and classes (n,), got"
            f" use_sigmoid={use_sigmoid}, {_describe(logits)}, {_describe(target)} and"
            f" {_describe(classes)}; pixel weights must be floating point or bool"
        )
    rows = torch.arange(len(logits), device=logits.device)
    return logits[rows, classes].unsqueeze(1)


def _labels(
    target: Tensor, logits: Tensor, ignore_index: int | None, sigmoid: bool
) -> tuple[Tensor, Tensor | None]:
    labels = target.long()
    valid: Tensor | None = None
    if ignore_index is not None:
        labels, valid = _split_ignored(labels, ignore_index)
    channels = logits.shape[1]
    if ignore_index == 255 and channels > 255:
        raise ValueError(
            f"ignore_index=255 is also one of the {channels} classes, which would never be learned;"
            " set another number, or None where no pixel is ignored"
        )
    # detection heads mark background by the label C: sigmoid rows without spatial dimensions
    classes = max(channels, 2) if logits.dim() > 2 or not sigmoid else channels + 1
    require_between(
        labels,
        0,
        classes - 1,
        f"labels must lie in [0, {classes - 1}] for {channels} channel(s), or equal"
        f" ignore_index={ignore_index}",
    )
    if logits.dim() == 2 and channels == 1:
        labels = 1 - labels
    return labels, valid


def _split_ignored(labels: Tensor, ignore_index: int) -> tuple[Tensor, Tensor | None]:
    if not at_hand(labels):
        valid = labels != ignore_index
        return labels.masked_fill(~valid, 0), valid
    # torch takes twice as long to compare, to ask and to mask
    numbers = labels.numpy()
    counts = numbers != ignore_index
    if counts.all():
        return labels, None
    return torch.from_numpy(numbers * counts), torch.from_numpy(counts)


def _dense(
    target: Tensor, logits: Tensor, ignore_index: int | None, sigmoid: bool
) -> tuple[Tensor, Tensor | None]:
    dense = target.to(logits.dtype)
    # blurred and resampled masks are rounded to just above 1
    most = 1 + max(1e-5, torch.finfo(target.dtype).eps)
    if not sigmoid:
        require_between(dense, 0.0, most, _RANGE + "; give unknown pixels 0 in every class")
        mass = dense.sum(1)
        # probabilities that were stored in 8 bits or bfloat16: what is rounded up adds up
        require_between(mass, 0.0, min(1.01 + dense.shape[1] / 510, 1.5), _MASS)
        return dense, _unless_all(mass > 0)
    valid: Tensor | None = None
    if logits.shape[1] == 1 and ignore_index is not None and ignore_index not in (0, 1):
        valid = _unless_all(dense[:, 0] != ignore_index)
    if valid is not None:
        dense = dense.masked_fill(~valid.unsqueeze(1), 0.0)
    require_between(dense, 0.0, most, _RANGE + "; give unknown pixels a weight of 0")
    return dense, valid


def _unless_all(valid: Tensor) -> Tensor | None:
    """``None`` where every pixel counts, as far as it can be asked without synchronisation."""
    return None if at_hand(valid) and bool(valid.all()) else valid


def _weights(weight: Tensor | None, logits: Tensor) -> tuple[Tensor | None, Tensor | None]:
    if weight is None:
        return None, None
    weight = weight.to(logits.dtype)
    check_weight(weight)
    pixels = logits.shape[:1] + logits.shape[2:]
    if weight.shape == logits.shape[:1]:
        return None, weight
    if weight.shape == pixels:
        return weight, None
    if weight.shape == (*logits.shape[:1], 1, *logits.shape[2:]):
        return weight.squeeze(1), None
    raise ValueError(
        f"weight must be {tuple(pixels)} (pixels) or {tuple(logits.shape[:1])} (images),"
        f" got {tuple(weight.shape)}"
    )


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _layout_message(pred: Tensor, target: Tensor, use_sigmoid: bool) -> str:
    return (
        f"pred {_describe(pred)} and target {_describe(target)} fit no layout"
        f" (use_sigmoid={use_sigmoid}). Expected logits (N, C, *S) with integer labels (N, *S) or"
        " float targets (N, C, *S), or with use_sigmoid=True masks of the shape of pred, (n, P) or"
        " (n, H, W), or points (P,). Resize logits to the label's size first; convert integer"
        " indicators to float; give volumes of masks a channel axis"
    )
