"""Betti matching against the released C++ engine, 2D and 3D, and the loss of a batch.

The engine is the one inside the wheel ``topolosses``: installed, or at the place that
SEGLOSSES_BETTI_ENGINE names (see ``tools/check_betti_matching.py``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from check_betti_matching import find_engine
from numpy.typing import NDArray
from scipy import ndimage
from speed import Case

from seglosses.datasets.bricks import brick_sample
from seglosses.losses import BettiMatchingLoss
from seglosses.topology import betti_matching, matching_error

ENGINE = "SEGLOSSES_BETTI_ENGINE"


def cases() -> Iterator[Case]:
    """Soft and binary pairs of 128 to 1024 pixels, a volume, and the loss."""
    place = os.environ.get(ENGINE)
    engine = find_engine(Path(place) if place else None)
    missing = () if engine else (f"the C++ engine (install topolosses or set {ENGINE})",)
    for side in (128, 256, 512, 1024):
        label = wall(side)
        for noise in (0.05, 0.2):
            yield _pair(f"{side} px, noise {noise}", soft(label, noise), label, engine, missing)
        other = brick_sample(side, seed=1).pseudo().astype(np.float32)
        binary = _pair(f"{side} px, two masks", other, label, engine, missing)
        count = {"tie-free count": lambda a=other, b=label: matching_error(a > 0, b > 0)}
        yield binary._replace(contestants={**binary.contestants, **count})
    blobs = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(64,) * 3), 3) > 0
    volume = blobs.astype(np.float32)
    yield _pair("64 voxels cubed, noise 0.2", soft(volume, 0.2), volume, engine, missing)
    yield from _losses()


def wall(side: int) -> NDArray[np.float32]:
    """Mortar of a brick wall."""
    return np.asarray(brick_sample(side, seed=1).mask, np.float32)


def soft(label: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
    """A blurred label with noise: a prediction."""
    grain = np.random.default_rng(1).normal(0, noise, label.shape)
    return np.clip(ndimage.gaussian_filter(label, 1.5) + grain, 0, 1).astype(np.float32)


def _pair(
    title: str, pred: NDArray[Any], label: NDArray[Any], engine: Any, missing: tuple[str, ...]
) -> Case:
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: betti_matching(pred, label)}
    if engine:
        # what the released loss hands over: superlevel sets as sublevel sets, in float64
        a, b = (np.ascontiguousarray(1 - side, np.float64) for side in (pred, label))
        runs["C++ engine"] = lambda: engine.compute_matching(
            [a],
            [b],
            include_input1_unmatched_pairs=True,
            include_input2_unmatched_pairs=True,
        )
    return Case(title, runs, missing=missing)


def _losses() -> Iterator[Case]:
    label = wall(512)
    maps = np.stack([soft(np.roll(label, 7 * k, 1), 0.2) for k in range(10)])
    logits = torch.logit(torch.from_numpy(maps), 1e-3).unsqueeze(1).requires_grad_()
    labels = torch.from_numpy(np.stack([np.roll(label, 7 * k, 1) for k in range(10)])).long()
    for threads in (1, 2):
        loss = BettiMatchingLoss(threads=threads)
        runs = {"seglosses": lambda loss=loss: loss(logits, labels)}
        yield Case(f"loss of 10 x 512 px, forward and backward, {threads} threads", runs, logits)
