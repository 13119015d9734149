"""Scores of a finished run in the columns that TopoMortar published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.metrics import Pair, betti_error, cldice, dice, hd95
from seglosses.metrics.topology import window_betti_numbers

FOREGROUND = 1
COLUMNS = (
    *("Betti0ErrorLocal_mortar", "Betti0Error_mortar", "Betti1ErrorLocal_mortar"),
    *("Betti1Error_mortar", "Dice_mortar", "HD95_mortar", "clDice_mortar"),
)
CONVENTIONS = {
    "Betti errors": "foreground 8-connected, background at the image border is no hole; an empty "
    "mask has no component",
    "local Betti errors": "mean over windows of a quarter of the shorter side",
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

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as test:
        ...     for kind in ("predictions", "labels"):
        ...         (Path(test) / kind).mkdir()
        ...         Image.fromarray(np.eye(8, dtype=np.uint8)).save(Path(test) / kind / "071.png")
        ...     rows, size = score_folder(Path(test))
        >>> rows["071"]["Dice_mortar"], size
        (1.0, (8, 8))
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
    """Numbers of :data:`COLUMNS` of one pair of masks.

    Args:
        pred: Predicted mask, (H, W).
        target: True mask, (H, W).

    Returns:
        Number by column.

    Example:
        >>> mask = np.zeros((8, 8), bool)
        >>> mask[2:6, 2:6] = True
        >>> row = score(mask, mask)
        >>> row["Dice_mortar"], row["HD95_mortar"], row["Betti0Error_mortar"]
        (1.0, 0.0, 0)
    """
    pair = Pair(pred, target)
    local = _window_errors(pair)
    numbers = (local[0], betti_error(pair, 0), local[1], betti_error(pair, 1))
    return dict(zip(COLUMNS, (*numbers, dice(pair), hd95(pair), cldice(pair)), strict=True))


def _window_errors(pair: Pair) -> tuple[float, float]:
    """Mean Betti errors of windows of a quarter of the shorter side."""
    windows = window_betti_numbers(pair, window=max(1, min(pair.shape) // 4))
    first, second = np.mean([np.abs(np.subtract(*numbers)) for numbers in windows], axis=0)
    return float(first), float(second)


def as_csv(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The published layout: a row an image, ids in order.

    Args:
        rows: Numbers by id, of :func:`score_folder`.

    Returns:
        The text of a file.

    Example:
        >>> as_csv({"071": dict.fromkeys(COLUMNS, 0.5)}).splitlines()[1]
        '071,0.5,0.5,0.5,0.5,0.5,0.5,0.5'
    """
    lines = [",".join(("ID", *COLUMNS))]
    lines += [",".join([name, *(f"{row[c]!r}" for c in COLUMNS)]) for name, row in rows.items()]
    return "\n".join(lines) + "\n"


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture, dtype=np.uint8)
