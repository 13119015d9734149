"""Print the peak working memory of one Betti matching, ours or the C++ engine's, in a new process.

    MALLOC_MMAP_THRESHOLD_=65536 python tools/betti_memory.py ours soft 1024
    python tools/betti_memory.py engine volume 96
    python tools/betti_memory.py ours vessels 256 --threads 2
    python tools/betti_memory.py ours vessels 256 512 512 --window 128

Three sides stand for a box; with ``--window`` its loss is computed forward and backward, in windows
that are matched on their own. The engine is found as in ``tools/speed_groups/betti.py``. Peak
resident memory is reset before the call (Linux), and what was resident before is taken off.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from check_betti_matching import find_engine
from scipy import ndimage

from seglosses.datasets.bricks import brick_sample
from seglosses.datasets.vessels import vessel_sample
from seglosses.losses import betti_matching_loss
from seglosses.topology import betti_matching, matching_error, persistence

KINDS = ("soft", "masks", "volume", "two-volumes", "vessels")


def resident(name: str) -> int:
    """A line of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def pair(kind: str, shape: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and label: a soft wall, masks of a wall, blobs, two soft volumes, or vessels."""
    side = shape[0]
    if kind == "vessels":
        sample = vessel_sample(min(shape), seed=0, trees=8, loops=200)
        pred = 1 / (1 + np.exp(-8 * (ndimage.gaussian_filter(sample.image, 0.8) - 0.5)))
        return mirrored(pred.astype(np.float32), shape), mirrored(
            sample.mask * np.float32(1), shape
        )
    if "volume" in kind:
        noise = np.random.default_rng(0).normal(size=shape)
        label = (ndimage.gaussian_filter(noise, 3) > 0).astype(np.float32)
    else:
        label = np.asarray(brick_sample(side, seed=1).mask, np.float32)
    if kind == "masks":
        return brick_sample(side, seed=1).pseudo().astype(np.float32), label
    grain = np.random.default_rng(1).normal(0, 0.2, label.shape)
    pred = np.clip(ndimage.gaussian_filter(label, 1.5) + grain, 0, 1).astype(np.float32)
    if kind == "two-volumes":
        grain = np.random.default_rng(2).normal(0, 0.05, label.shape)
        label = np.clip(ndimage.gaussian_filter(label, 1) + grain, 0, 1).astype(np.float32)
    return pred, label


def mirrored(cube: np.ndarray, shape: list[int]) -> np.ndarray:
    """A box of mirrored copies of a cube."""
    margins = [(0, length - side) for length, side in zip(shape, cube.shape, strict=True)]
    return np.pad(cube, margins, mode="symmetric")


def loss_in_windows(pred: np.ndarray, label: np.ndarray, window: int, threads: int) -> None:
    """The loss of one map, forward and backward."""
    prob = torch.from_numpy(pred)[None, None].requires_grad_()
    target = torch.from_numpy(label)[None, None]
    betti_matching_loss(prob, target, window=window, threads=threads).sum().backward()  # type: ignore[no-untyped-call]


def work(options: argparse.Namespace) -> Callable[[np.ndarray, np.ndarray], Any]:
    """What is measured."""
    threads = options.threads
    if options.who == "ours" and options.window:
        return lambda a, b: loss_in_windows(a, b, options.window, threads)
    if options.who == "ours":
        return lambda a, b: betti_matching(a, b, threads=threads, construction=options.construction)
    if options.who == "barcode":
        return lambda a, b: persistence(a, construction=options.construction)
    if options.who == "count":
        return lambda a, b: matching_error(a > 0.5, b > 0.5)
    place = os.environ.get("SEGLOSSES_BETTI_ENGINE")
    engine = find_engine(Path(place) if place else None)
    if engine is None:
        raise SystemExit("no C++ engine: install topolosses or set SEGLOSSES_BETTI_ENGINE")
    unmatched = {f"include_input{k}_unmatched_pairs": True for k in (1, 2)}
    return lambda a, b: engine.compute_matching(
        *([np.ascontiguousarray(1 - x, np.float64)] for x in (a, b)), **unmatched
    )


def main() -> None:
    """Match once and print bytes per pixel and CPU seconds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("who", choices=("ours", "engine", "barcode", "count"))
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("sides", type=int, nargs="+", help="one side, or three of a volume")
    parser.add_argument("--window", type=int, help="of the loss, voxels")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--construction", choices="VT", default="V")
    options = parser.parse_args()
    sides = options.sides
    shape = sides if len(sides) > 1 else sides * (2 if options.kind in ("soft", "masks") else 3)
    pred, label = pair(options.kind, shape)
    run = work(options)
    small = (slice(0, 12),) * pred.ndim
    run(pred[small], label[small])  # compiled before
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    start, clock = time.process_time(), time.perf_counter()
    run(pred, label)
    seconds, elapsed = time.process_time() - start, time.perf_counter() - clock
    peak = resident("VmHWM") - before
    print(
        f"{options.who}, {options.kind}, {' x '.join(map(str, pred.shape))}:"
        f" {peak / pred.size:.0f} bytes per pixel, {peak / 1e9:.2f} GB beside"
        f" {before / 1e9:.2f} GB, {seconds:.2f} CPU s, {elapsed:.2f} s"
    )


if __name__ == "__main__":
    main()
