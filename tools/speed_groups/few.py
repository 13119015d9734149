"""One to four classes, and few boxes, which most people train, against the best of the peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case, peer
from torch.nn import functional as F

from seglosses import losses
from speed_groups.boxes import pairs

Run = Callable[[], Any]

#: images and their sides
SIZES = ((2, (512, 512)), (8, (128, 128)), (1, (48, 96, 96)))

#: ours -> what MONAI and smp call it, with MONAI's options
FAMILY: dict[str, tuple[str, dict[str, bool], str | None]] = {
    "DiceLoss": ("DiceLoss", {}, "DiceLoss"),
    "JaccardLoss": ("DiceLoss", {"jaccard": True}, "JaccardLoss"),
    "TverskyLoss": ("TverskyLoss", {}, "TverskyLoss"),
    "GeneralizedDiceLoss": ("GeneralizedDiceLoss", {}, None),
}


def cases() -> Iterator[Case]:
    """The family of Dice, cross-entropy, and both; nothing is ignored, for MONAI knows no way.

    After these, boxes of 100 and 1000 pairs.
    """
    for images, side in SIZES:
        for channels in (1, 2, 3, 4):
            logits = torch.randn(images, channels, *side, requires_grad=True)
            labels = torch.randint(0, max(channels, 2), (images, *side))
            for name in FAMILY:
                yield _overlap(name, logits, labels)
            yield _entropy(logits, labels)
            yield _both(logits, labels)
    yield from pairs((100, 1000))


def _title(name: str, logits: torch.Tensor) -> str:
    return f"{name} {'x'.join(map(str, logits.shape))}"


def _torchs(logits: torch.Tensor, labels: torch.Tensor) -> Run:
    if logits.shape[1] > 1:
        return lambda: F.cross_entropy(logits, labels)
    target = labels.unsqueeze(1).float()
    return lambda: F.binary_cross_entropy_with_logits(logits, target)


def _monais(
    name: str, logits: torch.Tensor, labels: torch.Tensor, missing: list[str], **options: bool
) -> Run | None:
    make = peer(f"monai.losses.{name}", missing)
    if make is None:
        return None
    one = logits.shape[1] == 1
    theirs = make(sigmoid=one, softmax=not one, to_onehot_y=not one, **options)
    return lambda: theirs(logits, labels.unsqueeze(1))


def _overlap(name: str, logits: torch.Tensor, labels: torch.Tensor) -> Case:
    missing: list[str] = []
    ours = getattr(losses, name)()
    runs: dict[str, Run] = {"seglosses": lambda: ours(logits, labels)}
    monai_name, options, smp_name = FAMILY[name]
    if run := _monais(monai_name, logits, labels, missing, **options):
        runs["monai"] = run
    channels = logits.shape[1]
    if smp_name and (make := peer(f"segmentation_models_pytorch.losses.{smp_name}", missing)):
        smp = make("binary" if channels == 1 else "multiclass")
        runs["smp"] = lambda: smp(logits, labels)
    if channels > 1 and logits.dim() == 4 and name in ("DiceLoss", "TverskyLoss"):
        word = "dice_loss" if name == "DiceLoss" else "tversky_loss"
        if theirs := peer(f"kornia.losses.{word}", missing):
            more = {"average": "macro"} if name == "DiceLoss" else {"alpha": 0.3, "beta": 0.7}
            runs["kornia"] = lambda: theirs(logits, labels, **more)
    return Case(_title(name, logits), runs, logits, tuple(missing))


def _entropy(logits: torch.Tensor, labels: torch.Tensor) -> Case:
    ours = losses.CrossEntropyLoss()
    runs = {"seglosses": lambda: ours(logits, labels), "torch": _torchs(logits, labels)}
    return Case(_title("CrossEntropyLoss", logits), runs, logits)


def _both(logits: torch.Tensor, labels: torch.Tensor) -> Case:
    missing: list[str] = []
    pixel, region = losses.CrossEntropyLoss(), losses.DiceLoss()
    runs: dict[str, Run] = {"seglosses": lambda: pixel(logits, labels) + region(logits, labels)}
    entropy = _torchs(logits, labels)
    if dice := _monais("DiceLoss", logits, labels, missing):
        runs["torch + monai"] = lambda: entropy() + dice()
    return Case(_title("CE + Dice", logits), runs, logits, tuple(missing))
