"""Cross-entropy, Dice and soft clDice on one set of logits against the sum of the peers'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case, peer

from seglosses.losses import CrossEntropyLoss, DiceLoss, SoftClDiceLoss
from speed_groups.skeleton import predicted_wall


def cases() -> Iterator[Case]:
    """Two walls of 512 pixels with a softmax head of two classes."""
    wall, label = predicted_wall(512)
    logits = torch.cat([wall, wall.flip(3)]).detach().requires_grad_()
    labels = torch.cat([label, label.flip(2)])
    for iterations in (3, 10):
        yield _sum(logits, labels, iterations)


def _sum(logits: torch.Tensor, labels: torch.Tensor, iterations: int) -> Case:
    missing: list[str] = []
    ours = (CrossEntropyLoss(), DiceLoss(), SoftClDiceLoss(iterations))
    runs: dict[str, Callable[[], Any]] = {
        "seglosses": lambda: sum(loss(logits, labels) for loss in ours)
    }
    entropy = torch.nn.functional.cross_entropy
    column = labels.unsqueeze(1)
    if make := peer("monai.losses.SoftclDiceLoss", missing):
        lines = make(iter_=iterations, softmax=True, to_onehot_y=True, include_background=False)
        if make := peer("monai.losses.DiceLoss", missing):
            monai = make(softmax=True, to_onehot_y=True)
            runs["torch + monai + monai"] = lambda: (
                entropy(logits, labels) + monai(logits, column) + lines(logits, column)
            )
        if kornia := peer("kornia.losses.dice_loss", missing):
            runs["torch + kornia + monai"] = lambda: (
                entropy(logits, labels)
                + kornia(logits, labels, average="macro")
                + lines(logits, column)
            )
    size = "x".join(map(str, logits.shape))
    title = f"CE + Dice + clDice with {iterations} erosions {size}"
    return Case(title, runs, logits, tuple(missing))
