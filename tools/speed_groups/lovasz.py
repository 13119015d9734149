"""Lovász losses with ignored pixels against the reference in mmseg and smp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case, peer

from seglosses.losses import LovaszHingeLoss, LovaszSoftmaxLoss


def cases() -> Iterator[Case]:
    """Lovász-softmax of street scenes, and the hinge of one foreground, early and late."""
    for channels, side in ((19, (256, 512)), (5, (512, 512))):
        logits = torch.randn(1, channels, *side, requires_grad=True)
        labels = torch.randint(0, channels, (1, *side))
        labels[:, :20] = 255
        yield _softmax(logits, labels, f"1x{channels}x{side[0]}x{side[1]}")
    logits = torch.randn(4, 1, 256, 256, requires_grad=True)
    labels = (torch.rand(4, 256, 256) < 0.1).long()
    labels[:, :10] = 255
    yield _hinge(logits, labels, "4x1x256x256")
    sure = (logits.detach() + 6 * (labels == 1).unsqueeze(1) - 3).requires_grad_()
    yield _hinge(sure, labels, "4x1x256x256, most pixels right")


def _softmax(logits: torch.Tensor, labels: torch.Tensor, size: str) -> Case:
    missing: list[str] = []
    ours = LovaszSoftmaxLoss()
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: ours(logits, labels)}
    if make := peer("mmseg.models.losses.LovaszLoss", missing):
        mmseg = make(loss_type="multi_class", per_image=False, reduction="none")
        runs["mmseg"] = lambda: mmseg(logits, labels, ignore_index=255)
    if make := peer("segmentation_models_pytorch.losses.LovaszLoss", missing):
        smp = make("multiclass", ignore_index=255)
        runs["smp"] = lambda: smp(logits, labels)
    return Case(f"Lovász-softmax {size}", runs, logits, tuple(missing))


def _hinge(logits: torch.Tensor, labels: torch.Tensor, size: str) -> Case:
    missing: list[str] = []
    ours = LovaszHingeLoss()
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: ours(logits, labels)}
    if make := peer("mmseg.models.losses.LovaszLoss", missing):
        mmseg = make(loss_type="binary", per_image=True)
        runs["mmseg"] = lambda: mmseg(logits.squeeze(1), labels, ignore_index=255)
    if make := peer("segmentation_models_pytorch.losses.LovaszLoss", missing):
        smp = make("binary", per_image=True, ignore_index=255)
        runs["smp"] = lambda: smp(logits, labels)
    return Case(f"Lovász hinge {size}", runs, logits, tuple(missing))
