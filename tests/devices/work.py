"""Launches and bytes on the emulated accelerator, ours and the peers'.

``python -m tests.devices.work`` counts one forward and one backward pass at (2, 19, 256, 256) with
ignored pixels. Bytes are those that launches read and write, in multiples of the logits; it prints
JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from tests.devices.emulated import ledger, on_paper  # isort: skip  before any backward

import torch
from monai.losses import DiceLoss as MonaiDice
from monai.losses.ssim_loss import SSIMLoss as MonaiSSIM
from torch import Tensor
from torch.nn import functional as F

from seglosses import losses


def peers(size: tuple[int, ...]) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """What others do with the same logits and labels, where no pixel is ignored but by torch."""
    dice = MonaiDice(softmax=True, to_onehot_y=True)
    ssim = MonaiSSIM(spatial_dims=len(size))

    def one_hot(labels: Tensor) -> Tensor:
        return F.one_hot(labels, 19).movedim(-1, 1).float()

    return {
        "torch cross-entropy": lambda z, y: F.cross_entropy(z, y, ignore_index=255),
        "MONAI Dice": lambda z, y: dice(z, y.where(y != 255, 0).unsqueeze(1)),
        "MONAI SSIM": lambda z, y: ssim(z.softmax(1), one_hot(y.where(y != 255, 0))),
    }


OURS = ("CrossEntropyLoss", "DiceLoss", "JaccardLoss", "TverskyLoss", "SSIMLoss", "LovaszHingeLoss")


def main() -> None:
    """Sides of the image may be named."""
    size = tuple(map(int, sys.argv[1:])) or (256, 256)
    torch.manual_seed(0)
    logits = torch.randn(2, 19, *size, requires_grad=True)
    labels = torch.randint(0, 19, (2, *size))
    labels[:, : size[0] // 8] = 255
    runs: dict[str, Callable[[Tensor, Tensor], Tensor]] = peers(size)
    runs.update({name: getattr(losses, name)() for name in OURS})
    plain = losses.CrossEntropyLoss(ignore_index=None)
    runs["CrossEntropyLoss, nothing ignored"] = lambda z, y: plain(z, y.where(y != 255, 0))
    runs["torch, nothing ignored"] = lambda z, y: F.cross_entropy(z, y.where(y != 255, 0))
    found: dict[str, Any] = {}
    for name, run in runs.items():
        with ledger() as counted:
            run(on_paper(logits), on_paper(labels)).backward()
        found[name] = {
            "launches": counted.launches,
            "bytes": counted.bytes / logits.nbytes,
            "touched": counted.touched / logits.nbytes,
        }
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
