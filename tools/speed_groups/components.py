"""Components, windows and skeletons of masks against SciPy, cc3d and scikit-image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import ndimage
from speed import Case, peer

from seglosses.datasets.bricks import brick_sample
from seglosses.evaluate.codes import LabelCode
from seglosses.evaluate.loading import LabelMaps
from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.scoring import score_class
from seglosses.evaluate.settings import Settings
from seglosses.metrics import Pair, cldice
from seglosses.topology import betti_numbers, label_components, window_betti_numbers
from seglosses.topology.components import label_runs
from seglosses.topology.skeleton import clear_cache

FULL = {2: np.ones((3, 3)), 3: np.ones((3, 3, 3))}


def cases() -> Iterator[Case]:
    """Planes and volumes of blobs, noise and walls, and an image of 150 classes."""
    wall = brick_sample(512, seed=1).mask > 0
    yield Case(
        "Betti numbers of a wall, 512x512",
        {"seglosses": lambda: betti_numbers(wall), "SciPy": lambda: _scipy_betti(wall)},
    )
    yield Case(
        "Betti numbers of windows of 128, 512x512",
        {
            "seglosses": lambda: window_betti_numbers(wall, window=128),
            "SciPy, window by window": lambda: _scipy_windows(wall, 128),
        },
    )
    yield _labels("wall, 512x512", wall, 8)
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.normal(size=(128,) * 3), 3) > 0
    for connectivity in (26, 6):
        yield _labels(f"blobs, 128^3, {connectivity}", blobs, connectivity)
        yield _labels(f"noise, 128^3, {connectivity}", rng.random((128,) * 3) < 0.1, connectivity)
    yield _cldice()
    yield _classes(150)


def _labels(what: str, mask: np.ndarray, connectivity: int) -> Case:
    missing: list[str] = []
    sparse = ndimage.generate_binary_structure(mask.ndim, 1)
    structure = FULL[mask.ndim] if connectivity in (8, 26) else sparse
    runs: dict[str, Callable[[], Any]] = {
        "seglosses": lambda: label_components(mask, connectivity=connectivity),
        "SciPy": lambda: ndimage.label(mask, structure),
    }
    if mask.ndim == 3:
        runs["seglosses without cc3d"] = lambda: label_runs(mask, connectivity == 26)
    if theirs := peer("cc3d.connected_components", missing):
        runs["cc3d"] = lambda: theirs(mask, connectivity=connectivity, return_N=True)
    return Case(f"components, {what}", runs, missing=tuple(missing))


def _scipy_betti(mask: np.ndarray) -> tuple[int, int]:
    outside = np.pad(~mask, 1, constant_values=True)
    return ndimage.label(mask, FULL[2])[1], ndimage.label(outside)[1] - 1


def _scipy_windows(mask: np.ndarray, window: int) -> list[tuple[int, int]]:
    steps = [range(0, size, window) for size in mask.shape]
    return [_scipy_betti(mask[y : y + window, x : x + window]) for y in steps[0] for x in steps[1]]


def _cldice() -> Case:
    missing: list[str] = []
    rng = np.random.default_rng(0)
    tubes = np.abs(ndimage.gaussian_filter(rng.normal(size=(64, 96, 96)), 4)) < 0.004
    found = tubes ^ (rng.random(tubes.shape) < 0.002)

    def ours() -> float:
        clear_cache()
        return cldice(Pair(found, tubes))

    runs: dict[str, Callable[[], Any]] = {"seglosses": ours}
    if thin := peer("skimage.morphology.skeletonize", missing):

        def theirs() -> float:
            lines = thin(found), thin(tubes)
            precision = (lines[0] & tubes).sum() / lines[0].sum()
            recall = (lines[1] & found).sum() / lines[1].sum()
            return 2 * precision * recall / (precision + recall)

        runs["scikit-image"] = theirs
    return Case("clDice of volumes, 64x96x96", runs, missing=tuple(missing))


def _classes(count: int) -> Case:
    """An image of cells, four a class all over the image, shifted, with wrong pixels."""
    rng = np.random.default_rng(0)
    seeds = np.full((512, 512), -1)
    seeds[tuple(rng.integers(0, 512, (2, 4 * count)))] = np.arange(4 * count)
    nearest = ndimage.distance_transform_edt(seeds < 0, return_distances=False, return_indices=True)
    truth = rng.integers(0, count, 4 * count)[seeds[tuple(nearest)]].astype(np.int16)
    pred = np.roll(truth, 2, axis=1)
    wrong = rng.random(pred.shape) < 0.01
    pred[wrong] = rng.integers(0, count, np.count_nonzero(wrong))
    code, names = LabelCode({}, ""), tuple(column.name for column in choose_columns())
    settings = Settings(count, {i: str(i) for i in range(count)}, code, code, names)
    maps = LabelMaps(pred, truth, None)

    def ours() -> None:
        clear_cache()
        for index in settings.classes:
            score_class(maps, index, settings)

    return Case(f"all metrics of {count} classes, 512x512", {"seglosses": ours})
