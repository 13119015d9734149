"""Run a page: PROGRAM FOLDER CHECK, its blocks parted by NUL, packages or "", an expression."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path

import torch
from torch import Tensor


def greedy(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """What torchvision's nms returns: indices of boxes that no better one overlaps."""
    order, kept = scores.argsort(descending=True, stable=True).tolist(), []
    low, high = boxes.unbind(1)[:2], boxes.unbind(1)[2:]
    area = (high[0] - low[0]) * (high[1] - low[1])
    for one in order:
        rest = torch.tensor(kept, dtype=torch.long)
        sides = [
            (torch.minimum(end[rest], end[one]) - torch.maximum(start[rest], start[one])).clamp(
                min=0
            )
            for start, end in zip(low, high, strict=True)
        ]
        both = sides[0] * sides[1]
        if not bool((both / (area[rest] + area[one] - both) > iou_threshold).any()):
            kept.append(one)
    return torch.tensor(kept, dtype=torch.long)


def without_compiled_operators() -> None:
    """Let torchvision import beside a CPU build of torch: its wheel is built for CUDA."""
    sys.path.append(str(Path(__file__).with_name("nnunet")))
    declared = importlib.import_module("torchvision_operators").KEPT
    import torchvision

    if not torchvision.extension._has_ops():
        torchvision.ops.boxes._assert_has_ops = lambda: None
        declared[0].impl("nms", greedy, "CPU")


def main() -> None:
    """Run all blocks in one namespace, and look at what they left there."""
    program, folder, check = sys.argv[1:]
    warnings.simplefilter("ignore")
    sys.path += [folder] if folder else []
    if importlib.util.find_spec("torchvision") and not torch.cuda.is_available():
        without_compiled_operators()
    names = sys.modules["__main__"].__dict__  # where classes of a page are pickled from
    for number, block in enumerate(Path(program).read_text("utf-8").split("\0")):
        exec(compile(block, f"block {number}", "exec"), names)
    shown = {k: v for k, v in names.items() if isinstance(v, int | float | list | dict)}
    assert eval(check, names), shown


if __name__ == "__main__":
    main()
