"""Focal powers: exponents that weigh hard cases more, safe where the base vanishes."""

from __future__ import annotations

from torch import Tensor


def focal_power(loss: Tensor, gamma: float) -> Tensor:
    """``loss ** gamma`` for values in [0, 1], with a finite slope at zero.

    An exponent under 1 has no usable slope at zero, so values below 1e-7 keep their power's secant
    through zero.

    Example:
        >>> import torch
        >>> focal_power(torch.tensor([0.25, 0.0]), 0.5)
        tensor([0.5000, 0.0000])
    """
    if gamma == 1:
        return loss
    return loss * loss.clamp(min=1e-7) ** (gamma - 1)
