"""Losses per pixel, from softmax logits and labels."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from seglosses.losses.base import PixelLoss


def cross_entropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy per pixel.

        loss = -sum_c y_c log softmax(z)_c

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S).

    Example:
        >>> import torch
        >>> cross_entropy_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log 2
        tensor([[0.6931]])
    """
    return F.cross_entropy(logits, target, reduction="none")


class CrossEntropyLoss(PixelLoss):
    """Registered form of :func:`cross_entropy_loss`."""

    formula = "-log p_y"
    paper = "Good 1952"
    use_when = "always: the pixel loss beside which the others stand"

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """-log p of the label."""
        return cross_entropy_loss(logits, target)
