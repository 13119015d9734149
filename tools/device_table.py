"""What a call and its backward pass do on an accelerator, loss by loss, counted on a CPU.

Runs every loss, and some of the peers', on the emulated device of ``tests/devices`` and prints a
Markdown table: launches, bytes moved in multiples of the logits (of what an index picks from or
writes to, those places), copies to the host and back, times that the host waits, and graphs that
``torch.compile`` makes of a call on CPU tensors. Nothing is timed.

    python tools/device_table.py [--classes 19] [--side 64] [LOSS...]
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("SEGLOSSES_CHECKS", "async")

from tests.devices.emulated import Ledger, ledger, on_paper  # isort: skip  before any backward

import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounter

from seglosses.catalogue import loss_classes
from tests.devices.cases import case, labels

Row = tuple[str, Ledger, int, int]


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
            there = copy.deepcopy(made).moved(on_paper)
            # what a loss remembers of its batches stays on their device
            graphs = graphs_of(made.loss, made.value)
            yield name, counted(there.value), _size(made.tensors["pred"]), graphs


def graphs_of(loss: Any, call: Callable[[Any], Tensor]) -> int:
    """How many graphs the compiler makes of one call; one where nothing breaks it."""
    torch._dynamo.reset()
    counter = CompileCounter()
    call(torch.compile(loss, backend=counter))
    torch._dynamo.reset()
    found: int = counter.frame_count
    return found


def peers(classes: int, side: int) -> Iterator[Row]:
    """Rows of torch, MONAI, MMSegmentation and MMDetection, of those that can be imported."""
    pred = 2 * torch.randn(2, classes, side, side)
    target = labels(2, (side, side), classes)
    known = target.where(target != 255, 0)
    hot = torch.nn.functional.one_hot(known, classes).movedim(-1, 1).float()
    boxes = torch.rand(48, 4).cumsum(1)
    for name, loss, given, wanted in _peers(pred, target, known, hot, boxes):
        leaf, there = given.requires_grad_(), on_paper(wanted)
        try:
            graphs = graphs_of(loss, lambda made, x=leaf, y=wanted: made(x, y))  # type: ignore[misc]
        except Exception as error:
            print(f"{name} does not compile: {error}", file=sys.stderr)
            graphs = 0
        paper = on_paper(leaf)
        yield name, counted(lambda f=loss, x=paper, y=there: f(x, y)), _size(given), graphs  # type: ignore[misc]


def _peers(
    pred: Tensor, target: Tensor, known: Tensor, hot: Tensor, boxes: Tensor
) -> Iterator[tuple[str, Callable[..., Tensor], Tensor, Tensor]]:
    yield "torch CrossEntropyLoss", torch.nn.CrossEntropyLoss(ignore_index=255), pred, target
    try:
        from monai.losses import DiceLoss, SSIMLoss

        dice, ssim = DiceLoss(softmax=True, to_onehot_y=True), SSIMLoss(2)
        yield "MONAI DiceLoss, nothing ignored", dice, pred, known.unsqueeze(1)
        yield "MONAI SSIMLoss", lambda z, y: ssim(z.softmax(1), y), pred, hot
    except ImportError as error:
        print(f"left out: {error}", file=sys.stderr)
    try:
        from mmseg.models import losses as theirs

        cross = theirs.CrossEntropyLoss(avg_non_ignore=True)
        yield "MMSegmentation CrossEntropyLoss", partial(cross, ignore_index=255), pred, target
        yield "MMSegmentation DiceLoss", theirs.DiceLoss(), pred, target
        yield "MMSegmentation LovaszLoss", theirs.LovaszLoss(reduction="none"), pred, target
        from mmdet.models.losses import DIoULoss, GIoULoss

        yield "MMDetection GIoULoss", GIoULoss(), boxes, boxes + 1
        yield "MMDetection DIoULoss", DIoULoss(), boxes, boxes + 1
    except ImportError as error:
        print(f"left out: {error}", file=sys.stderr)


def _size(pred: Tensor) -> int:
    return max(pred.numel() * pred.element_size(), 1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("losses", nargs="*", metavar="LOSS")
    parser.add_argument("--classes", type=int, default=19)
    parser.add_argument("--side", type=int, default=64)
    asked = parser.parse_args()
    print("| loss | launches | bytes / logits | copies down | up | waits | graphs |")
    print("|---|---|---|---|---|---|---|")
    rows = [*ours(asked.losses, asked.classes, asked.side)]
    for name, found, size, graphs in [*rows, *peers(asked.classes, asked.side)]:
        waits = found.count("wait", "up, waiting")
        cells = (
            found.launches,
            f"{found.touched / size:.1f}",
            found.count("down"),
            found.count("up"),
        )
        print(f"| {name} | {' | '.join(map(str, cells))} | {waits} | {graphs} |")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
