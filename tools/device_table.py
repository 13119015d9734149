"""What a call and its backward pass do on an accelerator, loss by loss, counted on a CPU.

Runs every loss, and some of the peers', on the emulated device of ``tests/devices`` and prints a
Markdown table: launches, bytes moved in multiples of the logits, copies to the host and back, and
times that the host waits. Nothing is timed.

    python tools/device_table.py [--classes 19] [--side 64] [LOSS...]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("SEGLOSSES_CHECKS", "async")

from tests.devices.emulated import Ledger, ledger, on_paper  # isort: skip  before any backward

import torch
from torch import Tensor

from seglosses.catalogue import loss_classes
from tests.devices.cases import case, labels

Row = tuple[str, Ledger, int]


def counted(loss: Callable[[], Tensor]) -> Ledger:
    """Of the second call, for the first may prepare something."""
    loss()
    with ledger() as found:
        loss().sum().backward()
    return found


def ours(names: list[str], classes: int, side: int) -> Iterator[Row]:
    """Rows of this package."""
    for name, cls in loss_classes().items():
        if names and name not in names:
            continue
        made = case(cls, "plain", classes, (side, side))
        if made is not None:
            there = made.moved(on_paper)
            yield name, counted(there.value), _size(made.tensors["pred"])


def peers(classes: int, side: int) -> Iterator[Row]:
    """Rows of torch, MONAI and MMSegmentation, of those that can be imported."""
    pred = 2 * torch.randn(2, classes, side, side)
    target = labels(2, (side, side), classes)
    known = target.where(target != 255, 0)
    z, y, y_known = on_paper(pred.requires_grad_()), on_paper(target), on_paper(known)
    cross = torch.nn.CrossEntropyLoss(ignore_index=255)
    yield "torch CrossEntropyLoss", counted(lambda: cross(z, y)), _size(pred)
    try:
        from monai.losses import DiceLoss, SSIMLoss
    except ImportError as error:
        print(f"left out: {error}", file=sys.stderr)
        return
    dice = DiceLoss(softmax=True, to_onehot_y=True)
    yield (
        "MONAI DiceLoss, nothing ignored",
        counted(lambda: dice(z, y_known.unsqueeze(1))),
        _size(pred),
    )
    hot = on_paper(torch.nn.functional.one_hot(known, classes).movedim(-1, 1).float())
    ssim = SSIMLoss(2)
    yield "MONAI SSIMLoss", counted(lambda: ssim(z.softmax(1), hot)), _size(pred)


def _size(pred: Tensor) -> int:
    return max(pred.numel() * pred.element_size(), 1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("losses", nargs="*", metavar="LOSS")
    parser.add_argument("--classes", type=int, default=19)
    parser.add_argument("--side", type=int, default=64)
    asked = parser.parse_args()
    print("| loss | launches | bytes / logits | copies down | up | waits |")
    print("|---|---|---|---|---|---|")
    rows = [*ours(asked.losses, asked.classes, asked.side)]
    for name, found, size in [*rows, *peers(asked.classes, asked.side)]:
        waits = found.count("wait", "up, waiting")
        cells = (
            found.launches,
            f"{found.bytes / size:.1f}",
            found.count("down"),
            found.count("up"),
        )
        print(f"| {name} | {' | '.join(map(str, cells))} | {waits} |")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
