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
from speed import Case, peer

from seglosses.datasets.bricks import brick_sample
from seglosses.losses import BettiMatchingLoss
from seglosses.topology import betti_matching, matching_error, persistence
from seglosses.topology.label_bars import LabelBars

ENGINE = "SEGLOSSES_BETTI_ENGINE"
KINDS = ("smooth", "noise 0.05", "noise 0.1", "noise 0.2")


def cases() -> Iterator[Case]:
    """Soft and binary pairs of 128 to 1024 pixels, volumes, barcodes, and the loss."""
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
    for side in (32, 64, 96):
        for kind in KINDS:
            pred, volume = volumes(side, kind)
            yield _pair(f"{side} voxels cubed, {kind}", pred, volume, engine, missing)
    pred, other = volumes(64, "soft")
    yield _pair("64 voxels cubed, two soft volumes", pred, other, engine, missing)
    yield from _known_labels()
    yield from _barcodes()
    yield from _losses()


def wall(side: int) -> NDArray[np.float32]:
    """Mortar of a brick wall."""
    return np.asarray(brick_sample(side, seed=1).mask, np.float32)


def soft(label: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
    """A blurred label with noise: a prediction."""
    grain = np.random.default_rng(1).normal(0, noise, label.shape)
    return np.clip(ndimage.gaussian_filter(label, 1.5) + grain, 0, 1).astype(np.float32)


def volumes(side: int, kind: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A prediction of blobs, smooth as of a network or noisy, and the label; or two soft maps."""
    rng = np.random.default_rng(0)
    label = (ndimage.gaussian_filter(rng.normal(size=(side,) * 3), 3) > 0).astype(np.float32)
    blurred = ndimage.gaussian_filter(label, 1.5)
    if kind.startswith("noise"):
        grain = rng.normal(0, float(kind.split()[1]), label.shape)
        return np.clip(blurred + grain, 0, 1).astype(np.float32), label
    grain = ndimage.gaussian_filter(rng.normal(size=label.shape), 2)
    pred = 1 / (1 + np.exp(-16 * (blurred - 0.5) - 6 * grain / grain.std()))
    if kind == "soft":
        grain = ndimage.gaussian_filter(rng.normal(size=label.shape), 1)
        label = (0.9 * pred + 0.1 / (1 + np.exp(-grain / grain.std()))).astype(np.float32)
    return pred.astype(np.float32), label


def _known_labels() -> Iterator[Case]:
    """A label whose loops a worker has found, or that came before, beside one that is new."""
    for kind in ("smooth", "noise 0.1"):
        pred, label = volumes(64, kind)
        known = LabelBars(1)
        runs = {
            "seglosses": lambda a=pred, b=label, k=known: betti_matching(a, b, remembered=k),
            "a new label": lambda a=pred, b=label: betti_matching(a, b),
        }
        yield Case(f"64 voxels cubed, {kind}, known label", runs)


def _barcodes() -> Iterator[Case]:
    """Barcodes of one volume, beside two engines of barcodes alone."""
    missing: list[str] = []
    cripser = peer("cripser.computePH", missing)
    cubes = peer("gudhi.CubicalComplex", missing)
    for kind in KINDS:
        volume = volumes(64, kind)[0]
        double = volume.astype(np.float64)
        runs: dict[str, Callable[[], Any]] = {
            "seglosses": lambda v=volume: persistence(v, filtration="sublevel")
        }
        if cripser:
            runs["cripser"] = lambda v=double: cripser(v, maxdim=2)
        if cubes:
            runs["gudhi"] = lambda v=double: cubes(vertices=v).compute_persistence()
        yield Case(f"barcode of 64 voxels cubed, {kind}", runs, missing=tuple(missing))


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
    pred, label = volumes(64, "smooth")
    logits = torch.logit(torch.from_numpy(pred), 1e-3).expand(2, 1, -1, -1, -1)
    logits = torch.cat([-logits, logits], 1).requires_grad_()
    labels = torch.from_numpy(label).long().expand(2, -1, -1, -1)
    loss = BettiMatchingLoss(threads=1)
    runs = {"seglosses": lambda loss=loss: loss(logits, labels)}
    yield Case("loss of 2 x 2 x 64 voxels cubed, forward and backward", runs, logits)
    label = wall(512)
    maps = np.stack([soft(np.roll(label, 7 * k, 1), 0.2) for k in range(10)])
    logits = torch.logit(torch.from_numpy(maps), 1e-3).unsqueeze(1).requires_grad_()
    labels = torch.from_numpy(np.stack([np.roll(label, 7 * k, 1) for k in range(10)])).long()
    for threads in (1, 2):
        loss = BettiMatchingLoss(threads=threads)
        runs = {"seglosses": lambda loss=loss: loss(logits, labels)}
        yield Case(f"loss of 10 x 512 px, forward and backward, {threads} threads", runs, logits)
