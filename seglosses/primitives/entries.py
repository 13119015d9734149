"""Rows of a detection head whose classes have weights of their own."""

from __future__ import annotations

from torch import Tensor

from seglosses.primitives.checks import require_between
from seglosses.primitives.encoding import one_hot


def weighs_entries(pred: Tensor, target: Tensor, weight: Tensor | None) -> bool:
    """Whether weights are those of rows and classes, (n, C) or flattened, as FSAF gives them.

    Args:
        pred: Logits (n, C).
        target: Labels (n,).
        weight: Any.

    Example:
        >>> import torch
        >>> weighs_entries(torch.zeros(2, 3), torch.tensor([0, 3]), torch.ones(6))
        True
        >>> weighs_entries(torch.zeros(2, 3), torch.tensor([0, 3]), torch.ones(2))
        False
    """
    return (
        weight is not None
        and pred.dim() == 2
        and pred.shape[1] > 1
        and target.shape == pred.shape[:1]
        and not target.is_floating_point()
        and weight.shape in (pred.shape, (pred.numel(),))
    )


def as_entries(
    pred: Tensor, labels: Tensor, weight: Tensor, ignore_index: int | None
) -> tuple[Tensor, Tensor]:
    """Rows as dense targets (n, C), and their weights: each entry is a problem of its own.

    Args:
        pred: Logits (n, C).
        labels: (n,), C for background.
        weight: (n, C), or flattened.
        ignore_index: Label of rows that do not count, or ``None``.

    Returns:
        Targets and weights, (n, C), in the dtype of ``pred``; weights of ignored rows are 0.

    Raises:
        ValueError: for labels outside [0, C].

    Example:
        >>> import torch
        >>> pred, labels = torch.zeros(2, 2), torch.tensor([1, 2])  # the second is background
        >>> as_entries(pred, labels, torch.tensor([1.0, 2, 3, 4]), None)
        (tensor([[0., 1.],
                [0., 0.]]), tensor([[1., 2.],
                [3., 4.]]))
    """
    classes, weight = pred.shape[1], weight.view(pred.shape).to(pred.dtype)
    if ignore_index is not None:
        ignored = labels == ignore_index
        labels, weight = labels.masked_fill(ignored, classes), weight * ~ignored.unsqueeze(1)
    require_between(labels, 0, classes, f"labels must lie in [0, {classes}] for {classes} classes")
    return one_hot(labels.long(), classes, dtype=pred.dtype), weight
