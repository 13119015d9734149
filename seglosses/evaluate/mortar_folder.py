"""A folder of predictions and labels in the columns that TopoMortar published, and its errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.metrics import Pair
from seglosses.metrics.mortar import MORTAR_COLUMNS, mortar_scores
from seglosses.report.overlay import error_overlay

FOREGROUND = 1
COLUMNS = MORTAR_COLUMNS


def default_window(*shapes: tuple[int, ...]) -> int:
    """A quarter of the shortest side: TopoMortar's 128 pixels for its images of 512.

    Args:
        shapes: Of the images. One window serves all of them, or their numbers would not compare.

    Returns:
        Pixels, at least 1.

    Example:
        >>> default_window((512, 512)), default_window((512, 512), (128, 96))
        (128, 24)
    """
    return max(1, min(map(min, shapes)) // 4)


def conventions(window: int) -> dict[str, str]:
    """What the numbers mean, to stand beside them.

    Args:
        window: Edge length of the windows, pixels.

    Returns:
        Words by topic.

    Example:
        >>> conventions(32)["local Betti errors"]
        'mean over windows of 32 pixels'
    """
    return {
        "Betti errors": "foreground 8-connected, background at the image border is no hole; an"
        " empty mask has no component",
        "local Betti errors": f"mean over windows of {window} pixels",
        "HD95": "95th percentile of the surface distances of both directions, pooled; the image "
        "diagonal when one mask is empty, 0 when both are",
        "Dice, clDice": "0 when one mask is empty, 1 when both are",
    }


def score_folder(
    test: Path, *, window: int | None = None
) -> tuple[dict[str, dict[str, float]], tuple[tuple[int, ...], ...]]:
    """Score every prediction in a folder.

    Args:
        test: Folder with ``predictions/<ID>.png`` and ``labels/<ID>.png`` of class indices.
        window: Of :func:`score`; by default that of :func:`default_window` of all images.

    Returns:
        Numbers of :data:`COLUMNS` by id, and the sizes of the images, each once, smallest first.

    Raises:
        ValueError: There is no prediction, or one is not as large as its label.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as test:
        ...     for kind in ("predictions", "labels"):
        ...         (Path(test) / kind).mkdir()
        ...         Image.fromarray(np.eye(8, dtype=np.uint8)).save(Path(test) / kind / "071.png")
        ...     rows, sizes = score_folder(Path(test))
        >>> rows["071"]["Dice_mortar"], sizes
        (1.0, ((8, 8),))
    """
    paths = sorted((test / "predictions").glob("*.png"))
    if not paths:
        raise ValueError(f"expected predictions in {test / 'predictions'}, got none")
    sizes = {_size(test / "labels" / path.name) for path in paths}
    window = window or default_window(*sizes)
    rows: dict[str, dict[str, float]] = {}
    for path in paths:
        pred, target = _read(path), _read(test / "labels" / path.name)
        if pred.shape != target.shape:
            raise ValueError(
                f"{path}: expected the size of its label, {target.shape}, got {pred.shape}"
            )
        rows[path.stem] = score(pred == FOREGROUND, target == FOREGROUND, window=window)
    return rows, tuple(sorted(sizes))


def score(
    pred: NDArray[np.bool_], target: NDArray[np.bool_], *, window: int | None = None
) -> dict[str, float]:
    """Numbers of :data:`COLUMNS` of one pair of masks, without TopoMortar's quirks.

    Args:
        pred: Predicted mask, (H, W).
        target: True mask, (H, W).
        window: Edge length of the windows of local errors, pixels; None for
            :func:`default_window`.

    Returns:
        Number by column, of :func:`seglosses.metrics.mortar.mortar_scores`.

    Example:
        >>> mask = np.zeros((8, 8), bool)
        >>> mask[2:6, 2:6] = True
        >>> row = score(mask, mask)
        >>> row["Dice_mortar"], row["HD95_mortar"], row["Betti0Error_mortar"]
        (1.0, 0.0, 0)
    """
    pair = Pair(pred, target, empty="perfect")
    return mortar_scores(pair, window=window or default_window(pair.shape), quirks="none")


def error_picture(test: Path, name: str) -> Image.Image:
    """What is wrong in an image, drawn on it.

    Args:
        test: Folder of :func:`score_folder`, and ``images/<ID>.png``.
        name: The id.

    Returns:
        Of :func:`seglosses.report.overlay.error_overlay`.
    """
    pred, target = (_read(test / kind / f"{name}.png") for kind in ("predictions", "labels"))
    with Image.open(test / "images" / f"{name}.png") as picture:
        photo = np.asarray(picture.convert("RGB"))
    return error_overlay(Pair(pred == FOREGROUND, target == FOREGROUND), photo)


def as_csv(rows: Mapping[str, Mapping[str, float]]) -> str:
    """The published layout: a row per image, ids in order.

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


def _size(path: Path) -> tuple[int, ...]:
    """Height and width, from the head of the file."""
    with Image.open(path) as picture:
        return picture.height, picture.width


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture, dtype=np.uint8)
