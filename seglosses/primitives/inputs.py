"""Inputs of a loss: labels, dense targets and weights of many forms, and their checks.

The only home of ``ignore_index``. :func:`seglosses.primitives.encoding.align` puts them together.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.primitives import _kernels_labels as kernels
from seglosses.primitives.checks import check_weight, extremes, require, require_between
from seglosses.primitives.device import at_hand

_RANGE = "dense targets must lie in [0, 1]; scale masks of {0, 255} first"
_MASS = (
    "under softmax dense targets are probabilities, with a sum of at most 1 at every pixel; pass"
    " use_sigmoid=True for independent channels (multi-label)"
)
_WHOLE = (
    "labels of one map must be whole numbers; give soft targets one map per class, (N, C, *S), or"
    " resize labels with mode='nearest'"
)


def described(tensor: Tensor) -> str:
    """Type and shape in words.

    Example:
        >>> described(torch.zeros(1, 2))
        'float32 (1, 2)'
    """
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def class_of_masks(
    logits: Tensor, target: Tensor, weight: Tensor | None, use_sigmoid: bool
) -> Tensor | None:
    """The third argument of mask heads, (n,) integers that pick a channel each, if it is that.

    Args:
        logits: (n, C, *S).
        target: (n, *S).
        weight: What was given in the place of weights.
        use_sigmoid: Channels are independent.

    Returns:
        ``weight``, or ``None`` where it holds weights.

    Raises:
        ValueError: for a class that ``logits`` do not have.

    Example:
        >>> class_of_masks(torch.zeros(1, 2, 3), torch.zeros(1, 3), torch.tensor([1]), True)
        tensor([1])
    """
    if weight is None or weight.is_floating_point() or weight.dtype == torch.bool:
        return None
    fits = (
        use_sigmoid
        and logits.dim() >= 3
        and logits.shape[1] > 0
        and weight.shape == logits.shape[:1]
        and target.shape == logits.shape[:1] + logits.shape[2:]
    )
    if not fits:
        return None
    last = logits.shape[1] - 1
    words = f"an integer third argument means the class of each mask, in [0, {last}]"
    require_between(weight, 0, last, words + "; make weights of images floating point")
    return weight


def one_form(target: Tensor, logits: Tensor) -> Tensor | None:
    """Labels (N, *S) of integers or dense targets (N, C, *S) of floats, whichever the target is.

    Args:
        target: Labels (N, *S) or (N, 1, *S), or dense targets (N, C, *S), of any type.
        logits: (N, C, *S).

    Returns:
        One of the two, or ``None`` where the shapes do not fit.

    Raises:
        ValueError: for a map of labels that are not whole.

    Example:
        >>> one_form(torch.tensor([[0.0, 2.0]]), torch.zeros(1, 3, 2))
        tensor([[0, 2]])
        >>> one_form(torch.tensor([[[True, False]]]), torch.zeros(1, 1, 2))
        tensor([[1, 0]])
    """
    if target.is_complex():
        return None
    pixels, one_channel = logits.shape[:1] + logits.shape[2:], logits.shape[1] == 1
    dense = target.is_floating_point()
    if target.shape == logits.shape:
        if dense:
            return target
        if one_channel and logits.dim() > 2:
            return target.squeeze(1).long()
        # yes or no of each channel
        return target.to(logits.dtype)
    if target.shape == (*pixels[:1], 1, *pixels[1:]):
        target = target.squeeze(1)
    if target.shape != pixels:
        return None
    if not dense:
        return target.long()
    if one_channel:
        return target.unsqueeze(1)
    require((target == target.round()).all(), _WHOLE)
    return target.long()


def as_labels(
    labels: Tensor, logits: Tensor, ignore_index: int | None, sigmoid: bool
) -> tuple[Tensor, Tensor | None]:
    """Checked labels, 0 where ignored, and which pixels count.

    Args:
        labels: (N, *S), int64.
        logits: (N, C, *S).
        ignore_index: Label that does not count, or ``None``.
        sigmoid: Channels are independent.

    Returns:
        (N, *S) both; ``None`` where all count.

    Raises:
        ValueError: for labels that are no class.

    Example:
        >>> as_labels(torch.tensor([[1, 255]]), torch.zeros(1, 2, 2), 255, False)
        (tensor([[1, 0]]), tensor([[ True, False]]))
    """
    valid: Tensor | None = None
    channels = logits.shape[1]
    if ignore_index == 255 and channels > 255:
        raise ValueError(
            f"ignore_index=255 is also one of the {channels} classes, which would never be learned;"
            " set another number, or None where no pixel is ignored"
        )
    # detection heads mark background by the label C: sigmoid rows without spatial dimensions
    classes = max(channels, 2) if logits.dim() > 2 or not sigmoid else channels + 1
    if not _all_are_classes(labels, classes, ignore_index):
        if ignore_index is not None:
            labels, valid = _split_ignored(labels, ignore_index)
        require_between(
            labels,
            0,
            classes - 1,
            f"labels must lie in [0, {classes - 1}] for {channels} channel(s), or equal"
            f" ignore_index={ignore_index}; scale masks of {{0, 255}} first, and name what does not"
            " count by ignore_index (255 in MMSegmentation, detectron2 and transformers, -100 in"
            " torch)",
        )
    if logits.dim() == 2 and channels == 1:
        labels = 1 - labels
    return labels, valid


def _all_are_classes(labels: Tensor, classes: int, ignore_index: int | None) -> bool:
    """Whether one look at the extremes says it all, as far as the host may look."""
    if not at_hand(labels) or not labels.numel():
        return False
    if ignore_index is not None and 0 <= ignore_index < classes:
        return False
    least, most = extremes(labels)
    return 0 <= least <= most < classes


def _split_ignored(labels: Tensor, ignore_index: int) -> tuple[Tensor, Tensor | None]:
    if not at_hand(labels):
        valid = labels != ignore_index
        return labels * valid, valid
    flat = labels.reshape(-1)
    clean, valid = torch.empty_like(flat), torch.empty_like(flat, dtype=torch.bool)
    kept = kernels.split_ignored(flat.numpy(), ignore_index, clean.numpy(), valid.numpy())
    if kept == len(flat):
        return labels, None
    return clean.view(labels.shape), valid.view(labels.shape)


def as_dense(
    target: Tensor, logits: Tensor, ignore_index: int | None, sigmoid: bool
) -> tuple[Tensor, Tensor | None]:
    """Checked dense targets, 0 where ignored, and which pixels count.

    Args:
        target: (N, C, *S), floating point.
        logits: (N, C, *S).
        ignore_index: Label that does not count, or ``None``. One of several classes leaves out
            pixels whose target is more than half of that class; any other number the pixels of one
            channel that hold it.
        sigmoid: Channels are independent.

    Returns:
        (N, C, *S) in the dtype of the logits, and (N, *S) or ``None`` where all count.

    Raises:
        ValueError: for targets outside [0, 1], and for masks of {0, 255}, whose foreground would be
            ignored.

    Example:
        >>> as_dense(torch.tensor([[[1.0, 255.0]]]), torch.zeros(1, 1, 2), 255, True)
        (tensor([[[1., 0.]]]), tensor([[ True, False]]))
    """
    dense, channels = target.to(logits.dtype), logits.shape[1]
    valid: Tensor | None = None
    if ignore_index is not None and channels == 1:
        valid = _unless_all(dense[:, 0] != ignore_index)
        if valid is not None and ignore_index > 1:
            # a mask of {0, 255} would lose its foreground in silence
            seen = ((dense[:, 0] != 0) & valid).any() | valid.all()
            require(seen, f"{_RANGE}; here all but zeros equal ignore_index={ignore_index}")
    elif ignore_index is not None and 0 <= ignore_index < channels:
        valid = _unless_all(dense[:, ignore_index] <= 0.5)
    # blurred and resampled masks are rounded to just above 1
    most = 1 + max(1e-5, torch.finfo(target.dtype).eps if target.is_floating_point() else 0)
    remedy = "; give unknown pixels " + ("a weight of 0" if sigmoid else "0 in every class")
    if channels == 1 and valid is not None:
        dense = dense.masked_fill(~valid.unsqueeze(1), 0.0)
    require_between(dense, 0.0, most, _RANGE + remedy)
    if not sigmoid:
        mass = dense.sum(1)
        # probabilities that were stored in 8 bits or bfloat16: what is rounded up adds up
        require_between(mass, 0.0, min(1.01 + channels / 510, 1.5), _MASS)
        known = _unless_all(mass > 0)
        valid = known if valid is None else valid if known is None else valid & known
    if channels > 1 and valid is not None:
        dense = dense.masked_fill(~valid.unsqueeze(1), 0.0)
    return dense, valid


def _unless_all(valid: Tensor) -> Tensor | None:
    """``None`` where every pixel counts, as far as it can be asked without synchronisation."""
    return None if at_hand(valid) and bool(valid.all()) else valid


def as_weights(weight: Tensor | None, logits: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Weights of pixels (N, *S) and of images (N,), of which at most one is given.

    Args:
        weight: (N,), (N, *S), (N, 1, *S), flattened (N * prod S,), or with dimensions of 1 in place
            of N or S; of any type.
        logits: (N, C, *S).

    Returns:
        Both in the dtype of the logits.

    Raises:
        ValueError: for other shapes, and weights that are negative or not finite.

    Example:
        >>> as_weights(torch.tensor([1, 2]), torch.zeros(1, 3, 2))  # flattened
        (tensor([[1., 2.]]), None)
        >>> as_weights(torch.tensor([1, 2]), torch.zeros(2, 3, 4))
        (None, tensor([1., 2.]))
    """
    if weight is None:
        return None, None
    weight = weight.to(logits.dtype)
    check_weight(weight)
    pixels = logits.shape[:1] + logits.shape[2:]
    if weight.shape == pixels[:1]:
        return None, weight
    if weight.shape == pixels:
        return weight, None
    if weight.shape == (pixels.numel(),):
        return weight.view(pixels), None
    if weight.dim() == len(pixels) + 1 and weight.shape[1] == 1:
        weight = weight.squeeze(1)
    fits = weight.dim() == len(pixels) and all(
        given in (1, wanted) for given, wanted in zip(weight.shape, pixels, strict=True)
    )
    if not fits:
        raise ValueError(
            f"weight must be {tuple(pixels)} (pixels; also flattened, or with a channel of 1) or"
            f" {tuple(pixels[:1])} (images), got {tuple(weight.shape)}"
        )
    return weight.expand(pixels), None
