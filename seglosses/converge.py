"""``seglosses converge``: how fast each box loss brings a box to its target, without a network.

The experiment of the DIoU paper: anchors of seven scales and seven aspect ratios start all around
seven targets of area 1 and follow the gradient of the loss with respect to centre and sides. The
error is the L1 distance of centre and sides from those of the target.

The published order, DIoU and CIoU before GIoU, needs the diagonal c to be frozen: its gradient
makes boxes grow while they are apart, and with it GIoU is ahead on average. The authors' simulation
has the sign of that gradient reversed, which helps their loss still more.
"""

from __future__ import annotations

import argparse
import csv
import html
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses import losses
from seglosses.boxes import Comparison
from seglosses.datasets.manifest import write_file

Loss = Callable[[Tensor, Tensor], Tensor]

SCALES = (0.5, 0.67, 0.75, 1.0, 1.33, 1.5, 2.0)
ASPECTS = (0.25, 1 / 3, 0.5, 1.0, 2.0, 3.0, 4.0)
CENTRE = 10.0
RADIUS = 3.0
STEPS = 200
SMALLEST = 0.01
"""Sides do not fall below this; a step of a large gradient could turn a box inside out."""

CASES: dict[str, Loss] = {
    "IoU": partial(losses.iou_loss, mode="linear"),
    "GIoU": losses.giou_loss,
    "DIoU": losses.diou_loss,
    "CIoU": losses.ciou_loss,
    "DIoU, c frozen": partial(losses.diou_loss, freeze_diagonal=True),
    "CIoU, c frozen": partial(losses.ciou_loss, freeze_diagonal=True),
    "CIoU ungated": partial(losses.ciou_loss, gate_alpha=False),
    "EfficientIoU": losses.efficient_iou_loss,
    "SIoU": losses.siou_loss,
    "ShapeIoU": losses.shape_iou_loss,
    "MPDIoU": partial(losses.mpdiou_loss, image_size=(20, 20)),
    "AlphaIoU": partial(losses.ciou_loss, alpha=3.0),
    "InnerIoU": partial(losses.ciou_loss, inner_ratio=0.7),
    "WiseIoU v1": partial(losses.wise_iou_loss, version=1),
    "NWD": partial(losses.normalized_wasserstein_loss, constant=1.0),
}


def cases(points: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Anchors and targets, (343 points, 4) each, as centre and sides.

    Args:
        points: Places of anchors, uniform in a disc of radius 3 about the targets' centre.
        seed: Of the places.

    Example:
        >>> anchors, targets = cases(2)
        >>> anchors.shape, bool((targets[:, 2] * targets[:, 3]).allclose(torch.ones(686)))
        (torch.Size([686, 4]), True)
    """
    random = torch.Generator().manual_seed(seed)
    radius = RADIUS * torch.rand(points, generator=random).sqrt()
    angle = 2 * math.pi * torch.rand(points, generator=random)
    place = CENTRE + torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    aspects, scales = torch.tensor(ASPECTS), torch.tensor(SCALES)
    shape = torch.stack([aspects.sqrt(), 1 / aspects.sqrt()], 1)
    sides = (scales.sqrt()[:, None, None] * shape).reshape(-1, 2)
    anchors = torch.cat(
        [place.repeat_interleave(len(sides), 0), sides.repeat(points, 1)], 1
    ).repeat(len(ASPECTS), 1)
    goal = torch.cat([torch.full((len(ASPECTS), 2), CENTRE), shape], 1)
    return anchors, goal.repeat_interleave(points * len(sides), 0)


def descend(
    loss: Loss, anchors: Tensor, targets: Tensor, steps: int = STEPS
) -> NDArray[np.float64]:
    """Mean L1 error before the first step and after each one, (steps + 1,).

    The step is the paper's: (2 - IoU) times the gradient, times 0.1, for the last fifth 0.01 and
    for the last tenth 0.001.

    Args:
        loss: Of corners.
        anchors: Centre and sides (n, 4).
        targets: Centre and sides (n, 4).
        steps: How many.

    Example:
        >>> box, goal = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.5, 0, 2, 2]])
        >>> errors = descend(losses.diou_loss, box, goal, steps=200)
        >>> float(errors[0]), bool(errors[-1] < 0.05)
        (0.5, True)
    """
    box, goal = anchors.clone(), corners(targets)
    errors = [_error(box, targets)]
    for step in range(steps):
        rate = 0.1 if step < 0.8 * steps else 0.01 if step < 0.9 * steps else 0.001
        leaf = box.clone().requires_grad_()
        pred = corners(leaf)
        (slope,) = torch.autograd.grad(loss(pred, goal).sum(), leaf)
        iou = Comparison(pred.detach(), goal).iou.unsqueeze(1)
        box = box - rate * (2 - iou) * slope
        box[:, 2:].clamp_(min=SMALLEST)
        errors.append(_error(box, targets))
    return np.array(errors)


def corners(boxes: Tensor) -> Tensor:
    """Corners of boxes given as centre and sides.

    Example:
        >>> corners(torch.tensor([[1.0, 1, 2, 2]])).tolist()
        [[0.0, 0.0, 2.0, 2.0]]
    """
    half = boxes[:, 2:] / 2
    return torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], 1)


def _error(box: Tensor, target: Tensor) -> float:
    return float((box - target).abs().sum(1).mean())


def half_time(errors: NDArray[np.float64]) -> int | None:
    """First step after which the error is at most half of what it was; None if never.

    Example:
        >>> half_time(np.array([4.0, 3.0, 2.0, 1.0])), half_time(np.array([4.0, 3.0]))
        (2, None)
    """
    found = np.flatnonzero(errors <= errors[0] / 2)
    return int(found[0]) if len(found) else None


COLOURS = (
    *("#1b6ca8", "#d1495b", "#2e8b57", "#edae49", "#6a4c93", "#00798c", "#8d5524"),
    *("#c71585", "#708090", "#9acd32", "#ff7f50", "#4682b4", "#000000", "#b8860b", "#20b2aa"),
)


def draw(curves: dict[str, NDArray[np.float64]]) -> str:
    """Curves of mean error over steps, an SVG document.

    Example:
        >>> draw({"IoU": np.array([2.0, 1.0])}).count("<polyline")
        1
    """
    width, height, left, top = 640, 400, 48, 16
    steps = max(len(errors) for errors in curves.values()) - 1
    most = max(float(errors.max()) for errors in curves.values())
    ordered = sorted(curves, key=lambda name: -curves[name][-1])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 190} {height + 60}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width + 190}" height="{height + 60}" fill="#ffffff"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        y, x = top + height * (1 - share), left + (width - left) * share
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y}" y2="{y}" stroke="#dddddd"/>')
        parts.append(
            f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{most * share:.1f}</text>'
        )
        parts.append(
            f'<text x="{x}" y="{top + height + 18}" text-anchor="middle">{steps * share:.0f}</text>'
        )
    for index, name in enumerate(ordered):
        colour = COLOURS[list(curves).index(name) % len(COLOURS)]
        line = " ".join(
            f"{left + (width - left) * step / steps:.1f},{top + height * (1 - error / most):.1f}"
            for step, error in enumerate(curves[name])
        )
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = top + 14 + 20 * index
        parts.append(f'<rect x="{width + 12}" y="{y - 9}" width="12" height="10" fill="{colour}"/>')
        text = f"{html.escape(name)}: {curves[name][-1]:.3f}"
        parts.append(f'<text x="{width + 30}" y="{y}">{text}</text>')
    parts.append(
        f'<text x="{(left + width) / 2}" y="{top + height + 38}" text-anchor="middle">step</text>'
        f'<text x="{width + 12}" y="{top + height}">mean L1 error at the end</text></svg>\n'
    )
    return "\n".join(parts)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``seglosses converge``."""
    parser.add_argument("--out", type=Path, required=True, help="folder for curves.csv and .svg")
    parser.add_argument("--points", type=int, default=10, help="places; 343 cases each, default 10")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"default {STEPS}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--loss", nargs="+", choices=list(CASES), default=list(CASES))


def run(args: argparse.Namespace) -> int:
    """Run the descents, write the curves, print a table."""
    if args.points < 1 or args.steps < 1:
        raise ValueError(f"points and steps must be positive, got {args.points} and {args.steps}")
    anchors, targets = cases(args.points, args.seed)
    print(f"{len(anchors)} cases, {args.steps} steps, seed {args.seed}")
    print(f"{'loss':14s} {'at half':>8s} {'at end':>8s} {'halved at step':>15s} {'seconds':>8s}")
    curves: dict[str, NDArray[np.float64]] = {}
    for name in args.loss:
        start = time.perf_counter()
        errors = curves[name] = descend(CASES[name], anchors, targets, args.steps)
        half = half_time(errors)
        print(
            f"{name:14s} {errors[args.steps // 2]:8.3f} {errors[-1]:8.3f}"
            f" {'never' if half is None else half:>15} {time.perf_counter() - start:8.1f}",
            flush=True,
        )
    rows = [
        ["step", *curves],
        *([i, *row] for i, row in enumerate(zip(*curves.values(), strict=True))),
    ]
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    write_file(args.out / "curves.svg", draw(curves).encode())
    print(f"curves: {args.out / 'curves.svg'}")
    return 0
