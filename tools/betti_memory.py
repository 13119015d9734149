"""Print the peak working memory of one Betti matching, ours or the C++ engine's, in a new process.

    MALLOC_MMAP_THRESHOLD_=65536 python tools/betti_memory.py ours soft 1024
    python tools/betti_memory.py engine volume 96

The engine is found as in ``tools/speed_groups/betti.py``. Peak resident memory is reset before the
call (Linux), and what was resident before is taken off.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
from check_betti_matching import find_engine
from scipy import ndimage

from seglosses.datasets.bricks import brick_sample
from seglosses.topology import betti_matching


def resident(name: str) -> int:
    """A line of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def pair(kind: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and label: a soft wall, two masks of a wall, or a soft volume."""
    if kind == "volume":
        noise = np.random.default_rng(0).normal(size=(side,) * 3)
        label = (ndimage.gaussian_filter(noise, 3) > 0).astype(np.float32)
    else:
        label = np.asarray(brick_sample(side, seed=1).mask, np.float32)
    if kind == "masks":
        return brick_sample(side, seed=1).pseudo().astype(np.float32), label
    grain = np.random.default_rng(1).normal(0, 0.2, label.shape)
    return np.clip(ndimage.gaussian_filter(label, 1.5) + grain, 0, 1).astype(np.float32), label


def main(who: str, kind: str, side: int) -> None:
    """Match once and print bytes per pixel and CPU seconds."""
    pred, label = pair(kind, side)
    place = os.environ.get("SEGLOSSES_BETTI_ENGINE")
    engine = find_engine(Path(place) if place else None)
    small = (slice(0, 12),) * pred.ndim
    betti_matching(pred[small], label[small])  # compiled before
    a, b = (np.ascontiguousarray(1 - side, np.float64) for side in (pred, label))
    unmatched = {f"include_input{k}_unmatched_pairs": True for k in (1, 2)}
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    start = time.process_time()
    if who == "ours":
        betti_matching(pred, label)
    else:
        engine.compute_matching([a], [b], **unmatched)
    seconds = time.process_time() - start
    peak = (resident("VmHWM") - before) / pred.size
    print(f"{who}, {kind}, {side}: {peak:.0f} bytes per pixel, {seconds:.2f} CPU s")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
