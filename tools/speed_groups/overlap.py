"""Overlap losses with integer labels and ignored pixels against the libraries that ship them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case, peer

from seglosses.losses import CrossEntropyLoss, DiceLoss, JaccardLoss, TverskyLoss


def cases() -> Iterator[Case]:
    """Dice, Jaccard and Tversky, with ignored pixels, and the usual pair with cross-entropy."""
    for channels, side in ((19, (512, 512)), (150, (128, 256))):
        logits = torch.randn(1, channels, *side, requires_grad=True)
        labels = torch.randint(0, channels, (1, *side))
        ignored = labels.clone()
        ignored[:, :40] = 255
        size = f"1x{channels}x{side[0]}x{side[1]}"
        yield _dice(logits, labels, size)
        yield _dice_ignored(logits, ignored, size)
        yield _jaccard_ignored(logits, ignored, size)
        yield _tversky_ignored(logits, ignored, size)
        yield _with_cross_entropy(logits, ignored, size)


def _dice(logits: torch.Tensor, labels: torch.Tensor, size: str) -> Case:
    missing: list[str] = []
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: DiceLoss()(logits, labels)}
    if make := peer("monai.losses.DiceLoss", missing):
        monai = make(softmax=True, to_onehot_y=True)
        runs["monai"] = lambda: monai(logits, labels.unsqueeze(1))
    return Case(f"Dice {size}", runs, logits, tuple(missing))


def _dice_ignored(logits: torch.Tensor, labels: torch.Tensor, size: str) -> Case:
    missing: list[str] = []
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: DiceLoss()(logits, labels)}
    if theirs := peer("kornia.losses.dice_loss", missing):
        runs["kornia"] = lambda: theirs(logits, labels, average="macro", ignore_index=255)
    if make := peer("segmentation_models_pytorch.losses.DiceLoss", missing):
        smp = make("multiclass", ignore_index=255)
        runs["smp"] = lambda: smp(logits, labels)
    if make := peer("monai.losses.DiceLoss", missing):
        monai = make(softmax=True, to_onehot_y=True, ignore_index=255)
        runs["monai"] = lambda: monai(logits, labels.unsqueeze(1))
    if make := peer("mmseg.models.losses.DiceLoss", missing):
        mmseg = make(use_sigmoid=False)
        runs["mmseg (does not ignore)"] = lambda: mmseg(logits, labels, ignore_index=255)
    return Case(f"Dice with ignored pixels {size}", runs, logits, tuple(missing))


def _jaccard_ignored(logits: torch.Tensor, labels: torch.Tensor, size: str) -> Case:
    missing: list[str] = []
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: JaccardLoss()(logits, labels)}
    if theirs := peer("kornia.losses.tversky_loss", missing):
        runs["kornia (as Tversky)"] = lambda: theirs(
            logits, labels, alpha=1.0, beta=1.0, ignore_index=255
        )
    if make := peer("segmentation_models_pytorch.losses.JaccardLoss", missing):
        smp = make("multiclass", ignore_index=255)
        runs["smp"] = lambda: smp(logits, labels)
    if make := peer("monai.losses.DiceLoss", missing):
        monai = make(softmax=True, to_onehot_y=True, jaccard=True, ignore_index=255)
        runs["monai"] = lambda: monai(logits, labels.unsqueeze(1))
    return Case(f"Jaccard with ignored pixels {size}", runs, logits, tuple(missing))


def _tversky_ignored(logits: torch.Tensor, labels: torch.Tensor, size: str) -> Case:
    missing: list[str] = []
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: TverskyLoss()(logits, labels)}
    if theirs := peer("kornia.losses.tversky_loss", missing):
        runs["kornia"] = lambda: theirs(logits, labels, alpha=0.3, beta=0.7, ignore_index=255)
    if make := peer("segmentation_models_pytorch.losses.TverskyLoss", missing):
        smp = make("multiclass", ignore_index=255)
        runs["smp"] = lambda: smp(logits, labels)
    if make := peer("mmseg.models.losses.TverskyLoss", missing):
        mmseg = make()
        runs["mmseg"] = lambda: mmseg(logits, labels)
    return Case(f"Tversky with ignored pixels {size}", runs, logits, tuple(missing))


def _with_cross_entropy(logits: torch.Tensor, labels: torch.Tensor, size: str) -> Case:
    missing: list[str] = []
    pixel, region = CrossEntropyLoss(), DiceLoss()
    runs: dict[str, Callable[[], Any]] = {
        "seglosses": lambda: pixel(logits, labels) + region(logits, labels)
    }
    cross_entropy = torch.nn.functional.cross_entropy
    if theirs := peer("kornia.losses.dice_loss", missing):
        runs["torch + kornia"] = lambda: (
            cross_entropy(logits, labels, ignore_index=255)
            + theirs(logits, labels, average="macro", ignore_index=255)
        )
    if make := peer("segmentation_models_pytorch.losses.DiceLoss", missing):
        smp = make("multiclass", ignore_index=255)
        runs["torch + smp"] = lambda: (
            cross_entropy(logits, labels, ignore_index=255) + smp(logits, labels)
        )
    return Case(f"CE + Dice with ignored pixels {size}", runs, logits, tuple(missing))
