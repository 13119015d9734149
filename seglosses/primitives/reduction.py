"""Reduce losses to a scalar: weights, ``avg_factor``, reduction, the mean of classes.

The only place in which ``avg_factor`` is interpreted and in which classes are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand
from seglosses.primitives.layout import flat_maps

Reduction = Literal["mean", "sum", "none"]
Classes = Literal["present", "all", "foreground", "present_foreground"] | Sequence[int]


def check_reduction(reduction: str) -> None:
    """Raise ``ValueError`` unless ``reduction`` is 'mean', 'sum' or 'none'.

    Example:
        >>> check_reduction("mean")
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def reduce_loss(
    loss: Tensor,
    weight: Tensor | None = None,
    *,
    avg_factor: float | Tensor | None = None,
    reduction: str = "mean",
    count: float | Tensor | None = None,
) -> Tensor:
    r"""Weigh and reduce a loss, with the rules of OpenMMLab.

        mean: sum(w * l) / (avg_factor + eps)   with an ``avg_factor``
        mean: sum(w * l) / count                without, or 0 where nothing counts
        sum:  sum(w * l)
        none: w * l

    Args:
        loss: Unreduced losses, any shape.
        weight: Broadcastable to ``loss``.
        avg_factor: What 'mean' divides by instead of the number of elements, for example the
            number of positive boxes; eps is the float32 epsilon, as in MMDetection.
        reduction: 'mean', 'sum' or 'none'.
        count: The number of elements that count, when it is not ``loss.numel()`` (ignored pixels).

    Returns:
        A scalar, or the shape of ``loss`` for 'none'. No elements give zero, never NaN.

    Raises:
        ValueError: for an unknown reduction, for 'sum' together with ``avg_factor``, and for one
            that is no number of at least 0.

    Example:
        >>> loss, weight = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 1.0, 0.0])
        >>> reduce_loss(loss, weight), reduce_loss(loss, weight, avg_factor=2)
        (tensor(1.), tensor(1.5000))
    """
    check_reduction(reduction)
    if avg_factor is not None and reduction == "sum":
        raise ValueError(
            "avg_factor with reduction='sum' has no meaning: use reduction='mean' to divide by it,"
            " or leave avg_factor out"
        )
    weighted = loss if weight is None else loss * weight
    if reduction == "none":
        return weighted
    if reduction == "mean" and avg_factor is None and count is None and weighted.numel():
        return weighted.mean()
    total = weighted.sum()
    if reduction == "sum":
        return total
    if avg_factor is not None:
        return total / (_divisor(avg_factor) + torch.finfo(torch.float32).eps)
    if count is None:
        return total
    if isinstance(count, Tensor):
        return total / torch.where(count > 0, count, 1)
    return total / (count or 1)


def _divisor(avg_factor: float | Tensor) -> float | Tensor:
    """A number of at least 0, as far as it can be asked without synchronisation."""
    one = isinstance(avg_factor, Tensor) and avg_factor.numel() == 1
    known: object = avg_factor
    if one:
        avg_factor = avg_factor.reshape(())  # type: ignore[union-attr]
        known = avg_factor.item() if at_hand(avg_factor) else 0.0
    # NaN makes the loss NaN, which says what else may have caused it
    if not isinstance(known, Real) or float(known) < 0 or float(known) == math.inf:
        raise ValueError(
            "avg_factor is what 'mean' divides by, one number of at least 0 such as the number of"
            f" objects, got {avg_factor!r}"
        )
    return avg_factor


class Asked(NamedTuple):
    """How a caller wants a loss reduced.

    Args:
        reduction: 'mean', 'sum' or 'none'.
        avg_factor: What 'mean' divides by, see :func:`reduce_loss`.
        per_pixel: One value per pixel is asked for, as a sampler of hard pixels does.

    Example:
        >>> Asked("mean", 4.0).of(torch.tensor([1.0, 3.0]))
        tensor(1.)
    """

    reduction: str = "mean"
    avg_factor: float | Tensor | None = None
    per_pixel: bool = False

    def of(
        self,
        loss: Tensor,
        weight: Tensor | None = None,
        *,
        count: float | Tensor | None = None,
    ) -> Tensor:
        """The loss as it was asked for, see :func:`reduce_loss`.

        Example:
            >>> Asked("sum").of(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 0.5]))
            tensor(2.5000)
        """
        return reduce_loss(
            loss, weight, avg_factor=self.avg_factor, reduction=self.reduction, count=count
        )


def select_classes(
    classes: Classes, num_classes: int, *, independent: bool = False
) -> list[int] | None:
    """Which channels a loss looks at; ``None`` means all of them.

    ``'foreground'`` and ``'present_foreground'`` leave out class 0 unless it is the only channel,
    or channels are independent, each a foreground.

    Args:
        classes: 'present' and 'all' mean every channel here, or indices.
        num_classes: Number of channels.
        independent: No channel is the background of the others.

    Returns:
        Indices, or ``None``.

    Raises:
        ValueError: for an unknown word, or an index outside [0, num_classes) or given twice.

    Example:
        >>> select_classes("foreground", 3), select_classes([0, 2], 3), select_classes("all", 3)
        ([1, 2], [0, 2], None)
    """
    if isinstance(classes, str):
        if classes not in ("present", "all", "foreground", "present_foreground"):
            raise ValueError(
                "classes must be 'present', 'all', 'foreground', 'present_foreground' or a sequence"
                f" of indices, got {classes!r}"
            )
        if classes.endswith("foreground") and num_classes > 1 and not independent:
            return list(range(1, num_classes))
        return None
    chosen = [int(c) for c in classes]
    once = len(set(chosen)) == len(chosen)
    if not chosen or min(chosen) < 0 or max(chosen) >= num_classes or not once:
        raise ValueError(f"classes must be indices in [0, {num_classes}), each once, got {chosen}")
    return chosen


def average_pixels(loss: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over pixels by weight, 0 where all weights are 0.

    Args:
        loss: (N, C, *S).
        weight: (N, 1, *S) or (N, C, *S); 0 leaves a pixel out.

    Returns:
        (N, C).

    Example:
        >>> average_pixels(torch.tensor([[[1.0, 3.0]]]), torch.tensor([[[0.0, 2.0]]]))
        tensor([[3.]])
    """
    values = flat_maps(loss)
    if weight is None:
        return values.sum(2) / max(values.shape[2], 1)
    kept = flat_maps(weight).expand_as(values)
    total = kept.sum(2)
    return (values * kept).sum(2) / torch.where(total > 0, total, 1.0)


def average_classes(
    loss: Tensor,
    present: Tensor | None = None,
    class_weight: Tensor | None = None,
    *,
    dim: int = 1,
) -> Tensor:
    r"""Mean over classes (or images) of those that count, zero where none does.

        mean = sum_c present_c * w_c * l_c / max(sum_c present_c, 1)

    Class weights scale their class and are not renormalised (as in MMSegmentation and JDTLoss).

    Args:
        loss: (N, C).
        present: Which entries count, boolean (N, C); ``None`` for all.
        class_weight: (C,).
        dim: The dimension to average over.

    Returns:
        ``loss`` without dimension ``dim``.

    Example:
        >>> average_classes(torch.tensor([[0.5, 1.0]]), torch.tensor([[True, False]]))
        tensor([0.5000])
    """
    if class_weight is not None:
        loss = loss * class_weight
    if present is None:
        if loss.shape[dim] == 1:
            return loss.squeeze(dim)
        return loss.mean(dim) if loss.shape[dim] else loss.sum(dim)
    # where, not a product: an absent class may hold a meaningless value
    kept = torch.where(present, loss, 0.0)
    return kept.sum(dim) / present.sum(dim).clamp(min=1)
