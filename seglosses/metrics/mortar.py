"""TopoMortar's columns, as it published them or with a number for every pair."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.boundary import hd95
from seglosses.metrics.lines import cldice
from seglosses.metrics.overlap import dice
from seglosses.metrics.pair import Pair
from seglosses.metrics.topology import window_betti_numbers

MORTAR_COLUMNS = (
    "Betti0ErrorLocal_mortar",
    "Betti0Error_mortar",
    "Betti1ErrorLocal_mortar",
    "Betti1Error_mortar",
    "Dice_mortar",
    "HD95_mortar",
    "clDice_mortar",
)
NO_DISTANCE = 9999999.0
Quirks: TypeAlias = Literal["released", "none"]


def mortar_scores(pair: Pair, *, window: int, quirks: Quirks = "released") -> dict[str, float]:
    """Scores of a pair in the columns of TopoMortar's result files.

    Args:
        pair: The two masks, 2D.
        window: Edge length of the windows of the local Betti errors, pixels; TopoMortar takes 128
            for its images of 512. Numbers of other windows do not compare.
        quirks: ``'released'``: an empty mask has one component, HD95 is 9999999 when a mask is
            empty, Dice is NaN when both are, and clDice is NaN when no skeleton meets the other
            mask. ``'none'``: an empty mask has no component, and the others follow ``pair.empty``.

    Returns:
        Numbers of :data:`MORTAR_COLUMNS`, in that order.

    Raises:
        ValueError: For volumes, a window below 1, or another word.

    References:
        Valverde et al., TopoMortar, BMVC 2025, arXiv:2503.03365.

    Example:
        >>> row = mortar_scores(Pair([[0, 0, 0, 0]], [[1, 0, 1, 0]]), window=2)
        >>> row["Betti0ErrorLocal_mortar"], row["Betti0Error_mortar"], row["HD95_mortar"]
        (0.0, 1, 9999999.0)
        >>> row = mortar_scores(Pair([[0, 0, 0, 0]], [[1, 0, 1, 0]]), window=2, quirks="none")
        >>> row["Betti0ErrorLocal_mortar"], row["Betti0Error_mortar"], row["HD95_mortar"]
        (1.0, 2, 3.0)
    """
    if len(pair.shape) != 2:
        raise ValueError(f"TopoMortar's columns are defined in 2D, got shape {pair.shape}")
    if quirks not in ("released", "none"):
        raise ValueError(f"expected quirks to be released or none, got {quirks!r}")
    least = int(quirks == "released")
    whole = _errors(np.array(pair.betti), least)
    pred, target, total = window_betti_numbers(pair, window=window)
    # a window without either mask has no error, whatever an empty mask counts for
    local = _errors(np.stack([pred, target]), least).sum(axis=0) / total
    components, loops = (float(local[0]), int(whole[0])), (float(local[1]), int(whole[1]))
    numbers = (*components, *loops, dice(pair), hd95(pair), cldice(pair))
    row: dict[str, float] = dict(zip(MORTAR_COLUMNS, numbers, strict=True))
    if quirks == "released":
        either, both = pair.pred_empty or pair.target_empty, pair.pred_empty and pair.target_empty
        # 0 whatever ``pair.empty`` says of one empty mask
        row["Dice_mortar"] = float("nan") if both else 0.0 if either else row["Dice_mortar"]
        row["HD95_mortar"] = NO_DISTANCE if either else row["HD95_mortar"]
        row["clDice_mortar"] = float("nan") if either else row["clDice_mortar"] or float("nan")
    return row


def _errors(numbers: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Absolute differences of components and loops of two sides, (2, ..., 2) to (..., 2)."""
    counted = numbers.copy()
    counted[..., 0] = np.maximum(counted[..., 0], least)
    return np.asarray(np.abs(counted[0] - counted[1]))
