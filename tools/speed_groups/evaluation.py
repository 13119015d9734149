"""The evaluation of a 512x512 pair against the sum of the usual packages, and that of a volume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from speed import Case, peer

from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample
from seglosses.metrics import Pair
from seglosses.topology.skeleton import clear_cache
from speed_groups.betti import volumes


def cases() -> Iterator[Case]:
    """All metrics of the default set against a few of them by the usual packages."""
    pred, target = _walls()
    missing: list[str] = []
    runs: dict[str, Callable[[], Any]] = {"seglosses, default set": lambda: _ours(pred, target)}
    theirs = _packages(missing)
    if theirs is not None:
        runs["MONAI + gudhi + scikit-image"] = lambda: theirs(pred, target)
    yield Case("pair 512x512", runs, missing=tuple(missing))
    for kind in ("smooth", "noise 0.1"):
        pred, target = (volume > 0.5 for volume in volumes(128, kind))
        runs = {"seglosses, default set": lambda one=pred, two=target: _ours(one, two)}
        yield Case(f"pair of 128 voxels cubed, {kind}", runs)


def _walls() -> tuple[np.ndarray, np.ndarray]:
    """Mortar of a brick wall, and a copy with breaks, blobs and rough edges."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((512, 512))
    shifted = columns + 32 * (rows // 40 % 2)
    target = (rows % 40 < 6) | (shifted % 64 < 5)
    pred = target ^ (rng.random(target.shape) > 0.995)
    for top, left in rng.integers(0, 500, (30, 2)):
        pred[top : top + 10, left : left + 10] ^= True
    return pred, target


def _ours(pred: np.ndarray, target: np.ndarray) -> list[float]:
    clear_cache()
    sample = Sample(Pair(pred, target), target, np.ones_like(target))
    options = Options()
    return [float(column.measure(sample, options)) for column in choose_columns(ndim=pred.ndim)]


def _packages(missing: list[str]) -> Callable[[np.ndarray, np.ndarray], Any] | None:
    names = (
        "monai.metrics.compute_hausdorff_distance",
        "monai.metrics.compute_average_surface_distance",
        "monai.metrics.compute_surface_dice",
        "gudhi.CubicalComplex",
        "skimage.morphology.skeletonize",
        "skimage.measure.label",
        "skimage.metrics.variation_of_information",
        "skimage.metrics.adapted_rand_error",
    )
    found = [peer(name, missing) for name in names]
    if missing:
        return None
    hausdorff, average, surface_dice, cubes, skeletonize, label, information, rand = found

    def betti(mask: np.ndarray) -> list[int]:
        cells = np.pad(np.where(mask, 0.0, 1.0), 1, constant_values=1.0)
        complex_ = cubes(top_dimensional_cells=cells)
        complex_.compute_persistence()
        bars = [complex_.persistence_intervals_in_dimension(k) for k in (0, 1)]
        return [len([1 for birth, death in group if birth < 1 <= death]) for group in bars]

    def run(pred: np.ndarray, target: np.ndarray) -> None:
        both = [torch.from_numpy(m.astype(np.float32))[None, None] for m in (pred, target)]
        hausdorff(*both, include_background=True, percentile=95)
        average(*both, include_background=True, symmetric=True)
        surface_dice(*both, [2.0], include_background=True)
        betti(pred), betti(target)
        lines = skeletonize(pred), skeletonize(target)
        (lines[0] & target).sum() / lines[0].sum(), (lines[1] & pred).sum() / lines[1].sum()
        cells = [label(~mask, connectivity=1) for mask in (pred, target)]
        information(cells[1], cells[0]), rand(cells[1], cells[0])

    return run
