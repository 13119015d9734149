"""A loss that is NaN or infinite raises; it is never returned silently."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand


def require_finite(loss: Tensor, pred: Tensor, owner: str) -> None:
    """Raise ``ValueError`` where a loss is not finite, and say what to look at.

    Elsewhere than on a CPU the check would cost a synchronisation; there NaN stays visible as NaN.
    So it does for half-precision outputs, whose overflow is what a ``GradScaler`` waits for: it
    skips the step and goes on with a smaller scale.

    Args:
        loss: Any shape.
        pred: The raw outputs it was computed of.
        owner: Name of the loss, for the message.

    Raises:
        ValueError: that counts what is broken in ``pred``, or names the other inputs.

    Example:
        >>> require_finite(torch.tensor(1.0), torch.zeros(2), "DiceLoss")
        >>> require_finite(torch.tensor(torch.nan), torch.tensor([0.0, torch.inf]), "DiceLoss")
        Traceback (most recent call last):
        ValueError: DiceLoss is not finite: 1 of 2 values of pred are NaN or infinite;
        expected finite raw outputs, lower the learning rate or clip gradients
    """
    if not at_hand(loss) or pred.dtype == torch.float16 or _is_finite(loss):
        return
    bad = int((~torch.isfinite(pred)).sum())
    if bad:
        message = (
            f"{bad} of {pred.numel()} values of pred are NaN or infinite; expected finite raw"
            " outputs, lower the learning rate or clip gradients"
        )
    else:
        largest = pred.detach().abs().max().item() if pred.numel() else 0.0
        message = (
            f"pred itself is finite, up to {largest:.3g}; look for NaN, infinite or huge values in"
            " target, weight, avg_factor, class_weight and extra inputs (a teacher's logits), and"
            " for extreme options or pred as large as to overflow"
        )
    raise ValueError(f"{owner} is not finite: {message}")


def _is_finite(loss: Tensor) -> bool:
    # the usual scalar is asked without a kernel
    return math.isfinite(loss.item()) if loss.dim() == 0 else bool(torch.isfinite(loss).all())
