"""Soft labels made from hard ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.checks import check_range, require_between
from seglosses.primitives.encoding import Aligned, one_hot
from seglosses.primitives.label_edges import label_boundary

#: What ``boundary_smoothing`` of a loss may hold: the amount, or arguments by name
BoundarySmoothing = float | Mapping[str, float]


def smooth_boundary_labels(
    labels: Tensor,
    num_classes: int,
    *,
    epsilon: float = 0.5,
    kernel_size: int = 3,
    ignore_index: int | None = 255,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""Soft labels that are smoothed at class boundaries only.

        y <- (1 - epsilon) y + epsilon / C     at boundary pixels, y elsewhere

    A boundary pixel sees another class in its ``kernel_size`` neighbourhood; pixels as near to an
    ignored one, and the image's border, are not boundary.

    Args:
        labels: Integers (N, *S) with 2 or 3 spatial dimensions.
        num_classes: C. A foreground logit means two classes, of which channel 1 is its target.
        epsilon: Amount of smoothing, in [0, 1].
        kernel_size: Odd side of the neighbourhood, pixels.
        ignore_index: Label that does not count; such pixels become all zeros.
        dtype: Of the result.

    Returns:
        (N, C, *S), for use as a dense target.

    Raises:
        ValueError: for labels that are no integers in [0, C), neither images nor volumes, for an
            even kernel, fewer than two classes, or another amount.

    References:
        Wang et al., Jaccard Metric Losses, NeurIPS 2023, arXiv:2302.05666.

    Example:
        >>> row = torch.tensor([[[0, 0, 1, 1]]])
        >>> smooth_boundary_labels(row, 2, epsilon=0.5)[0, 1, 0]
        tensor([0.0000, 0.2500, 0.7500, 1.0000])
    """
    check_range("[2, inf)", whole=True, num_classes=num_classes)
    _check_smoothing(epsilon, kernel_size)
    if labels.is_floating_point():
        raise ValueError(
            f"labels must be integers (N, *S), got {labels.dtype} {tuple(labels.shape)}; smooth the"
            " hard labels that soft ones were made from"
        )
    known, valid = labels.long(), None
    if ignore_index is not None:
        valid = known != ignore_index
        known = known.masked_fill(~valid, 0)
    require_between(
        known,
        0,
        num_classes - 1,
        f"labels must lie in [0, {num_classes - 1}], or equal ignore_index={ignore_index}",
    )
    return _smoothed(known, valid, num_classes, epsilon, kernel_size, dtype)


def _smoothed(
    labels: Tensor,
    valid: Tensor | None,
    num_classes: int,
    epsilon: float,
    kernel_size: int,
    dtype: torch.dtype,
) -> Tensor:
    if labels.dim() not in (3, 4):
        raise ValueError(
            "labels must be (N, H, W) or (N, D, H, W), for only images and volumes have boundaries;"
            f" got {tuple(labels.shape)}"
        )
    radius = kernel_size // 2
    edges = label_boundary(labels.unsqueeze(1), radius=radius)
    if valid is not None:
        edges &= valid & ~label_boundary(valid.unsqueeze(1), radius=radius)
    share = epsilon * edges.unsqueeze(1).to(dtype)
    hot = one_hot(labels, num_classes, valid, dtype=dtype)
    return hot.mul_(1 - share).add_(share / num_classes)


def boundary_smoothing_options(given: BoundarySmoothing | None) -> dict[str, Any] | None:
    """The option ``boundary_smoothing`` of a loss as arguments of :func:`smooth_boundary_labels`.

    Args:
        given: ``None``, the amount epsilon, or ``dict(epsilon=..., kernel_size=...)``.

    Raises:
        ValueError: for anything else.

    Example:
        >>> boundary_smoothing_options(0.2), boundary_smoothing_options(None)
        ({'epsilon': 0.2, 'kernel_size': 3}, None)
    """
    if given is None:
        return None
    options: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"epsilon": given}
    if isinstance(given, bool) or not set(options) <= {"epsilon", "kernel_size"}:
        raise ValueError(
            "boundary_smoothing must be an amount such as 0.5, or dict(epsilon=0.5, kernel_size=3),"
            f" got {given!r}"
        )
    options = {"epsilon": 0.5, "kernel_size": 3} | options
    _check_smoothing(**options)
    return options


def soften_boundaries(batch: Aligned, options: Mapping[str, Any] | None) -> Aligned:
    """A batch of labels with their smoothed form as its dense target.

    Independent channels (one-channel heads, sigmoid) are problems of two classes, each smoothed at
    the boundary of its own mask.

    Args:
        batch: With integer labels.
        options: See :func:`boundary_smoothing_options`; ``None`` gives the batch back.

    Raises:
        ValueError: for a dense target, and for labels that are neither images nor volumes.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 1, 1, 3), torch.tensor([[[0, 0, 1]]]))
        >>> soften_boundaries(batch, boundary_smoothing_options(0.5)).target().flatten()
        tensor([0.0000, 0.2500, 0.7500])
    """
    if options is None:
        return batch
    if batch.labels is None:
        raise ValueError(
            "boundary_smoothing makes soft labels of integer labels (N, *S), got a dense target"
            f" {tuple(batch.logits.shape)}; leave the option out, and soften such targets yourself"
            " (seglosses.losses.smooth_boundary_labels)"
        )
    dtype = batch.logits.dtype
    if not batch.sigmoid:
        soft = _smoothed(batch.labels, batch.valid, batch.channels, dtype=dtype, **options)
        return batch._replace(labels=None, dense=soft)
    masks = batch.target()
    rows = None if batch.valid is None else batch.valid.repeat_interleave(batch.channels, 0)
    soft = _smoothed(masks.flatten(0, 1).long(), rows, 2, dtype=dtype, **options)
    return batch._replace(labels=None, dense=soft[:, 1].view_as(masks))


def _check_smoothing(epsilon: float, kernel_size: int) -> None:
    check_range("[0, 1]", epsilon=epsilon)
    check_range("[1, inf)", whole=True, kernel_size=kernel_size)
    if kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd and positive, got {kernel_size}")
