"""Scores of a finished run in the columns that TopoMortar published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.metrics import Pair, betti_error, cldice, dice, hd95
from seglosses.topology import betti_numbers

FOREGROUND = 1
COLUMNS = (
    *("Betti0ErrorLocal_mortar", "Betti0Error_mortar", "Betti1ErrorLocal_mortar"),
    *("Betti1Error_mortar", "Dice_mortar", "HD95_mortar", "clDice_mortar"),
)
CONVENTIONS = {
    "Betti errors": "foreground 8-connected, background at the image border is no hole; an empty "
    "mask has no component",
    "local Betti errors": "mean over 4 x 4 windows (128 pixels of 512)",
    "HD95": "95th percentile of the surface distances of both directions, pooled; the image "
    "diagonal when one mask is empty, 0 when both are",
    "Dice, clDice": "0 when one mask is empty, 1 when both are",
}


def score_folder(test: Path) -> tuple[dict[str, dict[str, float]], tuple[int, ...]]:
    """Score every prediction in a folder.

    Args:
        test: Folder with ``predictions/<ID>.png`` and ``labels/<ID>.png`` of class indices.

    Returns:
        Numbers of :data:`COLUMNS` by id, and the size of the images.

    Raises:
        ValueError: There is no prediction, or sizes differ.
    """
    rows: dict[str, dict[str, float]] = {}
    sizes: set[tuple[int, ...]] = set()
    for path in sorted((test / "predictions").glob("*.png")):
        pred, target = _read(path), _read(test / "labels" / path.name)
        rows[path.stem] = score(pred == FOREGROUND, target == FOREGROUND)
        sizes.add(target.shape)
    if len(sizes) != 1:
        raise ValueError(f"expected predictions of one size in {test}, got {sorted(sizes)}")
    return rows, sizes.pop()


def score(pred: NDArray[np.bool_], target: NDArray[np.bool_]) -> dict[str, float]:
    """Numbers of :data:`COLUMNS` of one pair of masks, (H, W).

    Example:
        >>> mask = np.zeros((8, 8), bool)
        >>> mask[2:6, 2:6] = True
        >>> row = score(mask, mask)
        >>> row["Dice_mortar"], row["HD95_mortar"], row["Betti0Error_mortar"]
        (1.0, 0.0, 0)
    """
    pair = Pair(pred, target)
    local = _window_errors(pred, target)
    numbers = (local[0], betti_error(pair, 0), local[1], betti_error(pair, 1))
    return dict(zip(COLUMNS, (*numbers, dice(pair), hd95(pair), cldice(pair)), strict=True))


def _window_errors(pred: NDArray[np.bool_], target: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean Betti errors of windows of a quarter of each side."""
    steps = [max(1, size // 4) for size in target.shape]
    errors = []
    for top in range(0, target.shape[0], steps[0]):
        for left in range(0, target.shape[1], steps[1]):
            window = (slice(top, top + steps[0]), slice(left, left + steps[1]))
            pairs = zip(betti_numbers(pred[window]), betti_numbers(target[window]), strict=True)
            errors.append([abs(a - b) for a, b in pairs])
    first, second = np.mean(errors, axis=0)
    return float(first), float(second)


def as_csv(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The published layout: a row an image, ids in order."""
    lines = [",".join(("ID", *COLUMNS))]
    lines += [",".join([name, *(f"{row[c]!r}" for c in COLUMNS)]) for name, row in rows.items()]
    return "\n".join(lines) + "\n"


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture, dtype=np.uint8)
