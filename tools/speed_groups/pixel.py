"""Pixel losses against torch and the libraries that ship them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case, peer

from seglosses import losses

#: members of the family that no library has; timed against torch's cross-entropy
ALONE = (
    "Poly1CrossEntropyLoss",
    "GeneralizedCrossEntropyLoss",
    "NormalizedCrossEntropyLoss",
    "SquentropyLoss",
    "MarginSmoothingLoss",
    "MaxSupLoss",
    "ACLSLoss",
    "KernelCalibrationLoss",
)


def cases() -> Iterator[Case]:
    """Cross-entropy, sigmoid focal loss, and the rest against cross-entropy."""
    logits = torch.randn(1, 19, 512, 512, requires_grad=True)
    labels = torch.randint(0, 19, (1, 512, 512))
    labels[:, :40] = 255
    size = "1x19x512x512"
    cross_entropy = torch.nn.functional.cross_entropy
    plain = lambda: cross_entropy(logits, labels, ignore_index=255)  # noqa: E731
    yield _cross_entropy(logits, labels, plain, size)
    for name in ALONE:
        ours = getattr(losses, name)()
        runs: dict[str, Callable[[], Any]] = {
            "seglosses": lambda ours=ours: ours(logits, labels),
            "torch cross-entropy": plain,
        }
        yield Case(f"{name} {size}", runs, logits)
    yield _rows(torch.randn(20_000, 80, requires_grad=True), torch.randint(0, 81, (20_000,)))


def _cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, plain: Callable[[], Any], size: str
) -> Case:
    missing: list[str] = []
    ours = losses.CrossEntropyLoss()
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: ours(logits, labels)}
    runs["torch"] = plain
    if make := peer("mmseg.models.losses.CrossEntropyLoss", missing):
        mmseg = make(avg_non_ignore=True)
        runs["mmseg"] = lambda: mmseg(logits, labels, ignore_index=255)
    return Case(f"Cross-entropy {size}", runs, logits, tuple(missing))


def _rows(logits: torch.Tensor, labels: torch.Tensor) -> Case:
    missing: list[str] = []
    ours = losses.FocalLoss(use_sigmoid=True, alpha=0.25, ignore_index=None)
    runs: dict[str, Callable[[], Any]] = {
        "seglosses": lambda: ours(logits, labels, avg_factor=100.0)
    }
    if make := peer("mmdet.models.losses.FocalLoss", missing):
        mmdet = make(use_sigmoid=True)
        runs["mmdet"] = lambda: mmdet(logits, labels, avg_factor=100.0)
    return Case("Sigmoid focal loss of 20000 detections, 80 classes", runs, logits, tuple(missing))
