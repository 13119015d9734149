"""One scorer for TopoMortar's columns, with windows of any size and with or without its quirks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from seglosses.evaluate import evaluate
from seglosses.evaluate.mortar_folder import conventions, default_window, score
from seglosses.evaluate.options import Options
from seglosses.metrics import Pair, betti_error, cldice, dice, hd95, windowed_betti_errors
from seglosses.metrics.mortar import MORTAR_COLUMNS, NO_DISTANCE, mortar_scores


def masks(size: int = 64) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    target = np.kron(rng.random((size // 8, size // 8)) < 0.5, np.ones((8, 8))) > 0
    return target ^ (rng.random((size, size)) < 0.02), target


@pytest.mark.parametrize("window", [16, 128])
def test_commands_agree_on_the_same_window(tmp_path: Path, window: int) -> None:
    pred, target = masks()
    for name, mask in (("pred", pred), ("gt", target)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "001.npy", mask.astype(np.uint8))
    options = Options(window=window)
    result = evaluate(
        tmp_path / "pred", tmp_path / "gt", schema="topomortar", metrics=["dice"], options=options
    )
    trained = score(pred, target, window=window)
    for name in MORTAR_COLUMNS:
        assert result.table.matrix(name)[0, 0] == pytest.approx(trained[name]), name
    words = [column.meaning for column in result.settings.chosen() if "Local" in column.name]
    assert all(f"windows of {window} pixels" in meaning for meaning in words)
    assert f"windows of {window} pixels" in conventions(window)["local Betti errors"]


def test_columns_are_the_metrics() -> None:
    pair = Pair(*masks())
    row = mortar_scores(pair, window=16)
    local = windowed_betti_errors(pair, window=16)
    assert tuple(row.values()) == pytest.approx(
        (
            local[0],
            betti_error(pair, 0),
            local[1],
            betti_error(pair, 1),
            dice(pair),
            hd95(pair),
            cldice(pair),
        )
    )
    assert row == score(*masks())
    assert default_window(pair.shape) == 16


def test_quirks_concern_empty_masks() -> None:
    empty, (_, target) = np.zeros((64, 64), bool), masks()
    row = mortar_scores(Pair(empty, target), window=16)
    plain = mortar_scores(Pair(empty, target), window=16, quirks="none")
    assert row["Betti0Error_mortar"] == plain["Betti0Error_mortar"] - 1
    assert row["Betti0ErrorLocal_mortar"] < plain["Betti0ErrorLocal_mortar"]
    assert row["HD95_mortar"] == NO_DISTANCE
    assert plain["HD95_mortar"] == pytest.approx(63 * math.sqrt(2))
    assert math.isnan(row["clDice_mortar"])
    assert plain["clDice_mortar"] == row["Dice_mortar"] == 0
    nothing = mortar_scores(Pair(empty, empty), window=16)
    assert math.isnan(nothing["Dice_mortar"])
    assert nothing["Betti0Error_mortar"] == nothing["Betti0ErrorLocal_mortar"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 0}, "at least 1 pixel"),
        ({"window": 4, "quirks": "some"}, "released or none"),
    ],
)
def test_border(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mortar_scores(Pair(*masks()), **change)
    with pytest.raises(ValueError, match="defined in 2D"):
        mortar_scores(Pair(np.ones((2, 2, 2), bool), np.ones((2, 2, 2), bool)), window=2)
