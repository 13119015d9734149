"""Which modules of the package a call passes through, how deep, and which of them call back.

    python tools/flows.py

Calls of Betti matching, of CIoU and of ``evaluate`` stand for the flows of docs/architecture.md;
CIoU once where one kernel knows the formula, and once, with a modifier, where none does.
A module counts once, when a function of it is first called; what was imported or cached before the
call is warm, and compiled kernels are not seen. The chain is the deepest one of modules that wait
for each other. A module calls back where it is entered again while it waits for another one.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
import torch

import seglosses
from seglosses.evaluate import evaluate
from seglosses.losses import BettiMatchingLoss, CIoULoss

TOP = Path(seglosses.__file__).parent


class Flow(NamedTuple):
    """The way of a call."""

    modules: list[str]  #: in the order in which they are entered
    chain: list[str]  #: the deepest one
    back: set[str]  #: modules that are entered again from below


def flow_of(call: Callable[[], object]) -> Flow:
    """The way of a call through the package, by paths in it."""
    found: dict[str, None] = {}
    back: set[str] = set()
    deepest: list[str] = []

    def enter(frame: FrameType, event: str, _: Any) -> None:
        nonlocal deepest
        if event != "call" or not frame.f_code.co_filename.startswith(str(TOP)):
            return
        chain: list[str] = []
        at: FrameType | None = frame
        while at is not None:
            if at.f_code.co_filename.startswith(str(TOP)):
                name = Path(at.f_code.co_filename).relative_to(TOP).as_posix()
                if not chain or chain[-1] != name:
                    chain.append(name)
            at = at.f_back
        chain.reverse()
        found[chain[-1]] = None
        if chain[-1] in chain[:-1]:
            back.add(chain[-1])
        elif len(chain) > len(deepest):
            deepest = chain

    call()
    sys.setprofile(enter)
    try:
        call()
    finally:
        sys.setprofile(None)
    return Flow(list(found), deepest, back)


def flows() -> dict[str, Flow]:
    """The way of each call."""
    logits = torch.randn(2, 2, 16, 16, requires_grad=True)
    labels = (torch.rand(2, 16, 16) > 0.7).long()
    boxes = torch.tensor([[0.0, 0, 4, 4], [1, 1, 5, 6]], requires_grad=True)
    target, weight = torch.tensor([[0.0, 0, 4, 5], [2, 2, 6, 6]]), torch.tensor([1.0, 0.0])
    matching, overlap, inner = BettiMatchingLoss(), CIoULoss(), CIoULoss(inner_ratio=0.75)
    with tempfile.TemporaryDirectory() as top:
        for side in ("pred", "gt"):
            (Path(top) / side).mkdir()
            np.save(Path(top) / side / "001.npy", np.eye(8, dtype=np.uint8))
        return {
            "Betti matching": flow_of(lambda: matching(logits, labels).backward()),
            "CIoU": flow_of(lambda: overlap(boxes, target, weight, avg_factor=1).backward()),
            "Inner-CIoU": flow_of(lambda: inner(boxes, target, weight, avg_factor=1).backward()),
            "evaluate": flow_of(
                lambda: evaluate(f"{top}/pred", f"{top}/gt", metrics=["dice"], workers=0)
            ),
        }


def main() -> None:
    """Print the flows."""
    for name, flow in flows().items():
        print(f"{name}: {len(flow.modules)} modules, {len(flow.chain)} deep")
        print(*(f"  {module}" for module in flow.modules), sep="\n")
        print(f"  deepest: {' > '.join(flow.chain)}")
        print(f"  called back: {', '.join(sorted(flow.back)) or 'none'}")


if __name__ == "__main__":
    main()
