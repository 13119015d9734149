"""The command: descend with each loss, print a table, write the curves."""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seglosses.converge.descent import CASES, STEPS, Slope, cases, exact, follow, half_time
from seglosses.converge.picture import draw
from seglosses.converge.published import PUBLISHED

SLOPES: dict[str, Slope] = {name: exact(loss) for name, loss in CASES.items()} | PUBLISHED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``seglosses converge``."""
    parser.add_argument("--out", type=Path, required=True, help="folder for curves.csv and .svg")
    parser.add_argument(
        "--points", type=int, default=10, help="positions of anchors, with 343 cases each (10)"
    )
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of each descent ({STEPS})")
    parser.add_argument("--seed", type=int, default=0, help="seed of the anchors (0)")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--loss",
        nargs="+",
        choices=list(SLOPES),
        default=list(CASES),
        metavar="NAME",
        help=f"losses to compare, of: {'; '.join(SLOPES)} (all but the published)",
    )
    chosen.add_argument(
        "--published",
        dest="loss",
        action="store_const",
        const=list(PUBLISHED),
        help="compare IoU, GIoU, DIoU and CIoU with the gradients of the DIoU paper's own code",
    )


def run(args: argparse.Namespace) -> int:
    """Run the descents, write the curves, print a table.

    Args:
        args: What :func:`add_arguments` has parsed.

    Returns:
        0.

    Raises:
        ValueError: if there is nothing to do.
    """
    if args.points < 1 or args.steps < 1:
        raise ValueError(f"points and steps must be positive, got {args.points} and {args.steps}")
    anchors, targets = cases(args.points, args.seed)
    first = float((anchors - targets).abs().sum(1).mean())
    print(f"{len(anchors)} cases, {args.steps} steps, seed {args.seed}, error at first {first:.3f}")
    print(f"{'loss':16s} {'at half':>8s} {'at end':>8s} {'halved at step':>15s} {'seconds':>8s}")
    curves: dict[str, NDArray[np.float64]] = {}
    for name in args.loss:
        before = time.process_time()
        errors = curves[name] = follow(SLOPES[name], anchors, targets, args.steps)
        half = half_time(errors)
        print(
            f"{name:16s} {errors[args.steps // 2]:8.3f} {errors[-1]:8.3f}"
            f" {'never' if half is None else half:>15} {time.process_time() - before:8.1f}",
            flush=True,
        )
    rows = [
        ["step", *curves],
        *([i, *row] for i, row in enumerate(zip(*curves.values(), strict=True))),
    ]
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    (args.out / "curves.svg").write_text(draw(curves), encoding="utf-8")
    print(f"curves: {args.out / 'curves.svg'}")
    return 0
