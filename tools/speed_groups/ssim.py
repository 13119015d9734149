"""Structural similarity against the libraries that ship it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case, peer

from seglosses.losses import SSIMLoss, ssim_loss


def cases() -> Iterator[Case]:
    """The function on probabilities, like for like, and the loss with its sigmoid."""
    missing: list[str] = []
    prob = torch.rand(2, 3, 256, 256, requires_grad=True)
    target = (torch.rand(2, 3, 256, 256) > 0.5).float()
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: ssim_loss(prob, target).mean()}
    if make := peer("monai.losses.SSIMLoss", missing):
        monai = make(spatial_dims=2, data_range=1.0)
        runs["monai"] = lambda: monai(prob, target)
    if theirs := peer("kornia.losses.ssim_loss", missing):
        runs["kornia"] = lambda: 2 * theirs(prob, target, 11)
    yield Case("SSIM 2x3x256x256", runs, prob, tuple(missing))
    logits = torch.randn(2, 1, 256, 256, requires_grad=True)
    labels = target[:, 0].long()
    yield Case(
        "SSIM of logits and labels 2x1x256x256",
        {"seglosses": lambda: SSIMLoss()(logits, labels)},
        logits,
    )
