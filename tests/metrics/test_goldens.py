"""Numbers of the packages that define the metrics, kept where the packages are not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.metrics import (
    Pair,
    adapted_rand,
    assd,
    boundary_iou,
    cldice,
    dice,
    expected_calibration_error,
    hd95,
    hd95_directed,
    nsd,
    nsd_length,
    reliability,
    variation_of_information,
    windowed_betti_errors,
)


@pytest.fixture(scope="module")
def masks() -> tuple[np.ndarray, np.ndarray]:
    """A checkerboard, and its shifted copy with two patches inverted."""
    rows, columns = np.indices((20, 24))
    target = ((rows // 5 + columns // 6) % 2 == 0) & (rows > 1) & (columns < 22)
    pred = np.roll(target, 1, axis=1)
    pred[3:5, 8:12] ^= True
    pred[15:, 3:5] ^= True
    return pred, target


def test_small_masks(masks: tuple[np.ndarray, np.ndarray]) -> None:
    pair = Pair(*masks)
    # medpy 0.5.2: dc, hd95, assd
    assert (dice(pair), hd95(pair)) == pytest.approx((0.7804878048780488, 1.0))
    assert assd(pair) == pytest.approx(0.5595053651306248)
    # MONAI 1.6.1: compute_hausdorff_distance(percentile=95), compute_surface_dice([1.0])
    assert hd95_directed(pair) == 2.0
    assert nsd(pair, tolerance=1) == pytest.approx(0.951127827167511)
    # surface-distance-based-measures 0.1
    assert nsd_length(pair, tolerance=1) == pytest.approx(0.9731099416274491)
    # gudhi 3.13, closed pixels
    assert pair.betti == ((1, 2), (1, 2))
    # scikit-image 0.26 on the 4-connected components of the background
    assert adapted_rand(pair).error == pytest.approx(0.39915454028127795)
    assert variation_of_information(pair) == pytest.approx((0.71568725, 0.96954655))


def test_small_probabilities(masks: tuple[np.ndarray, np.ndarray]) -> None:
    prob = (np.arange(480).reshape(20, 24) * 37) % 101 / 100
    # torchmetrics 1.9.0 0.26793751, netcal 1.4.0 0.26793750, 15 bins
    ece = expected_calibration_error(reliability(prob, masks[1]))
    assert ece == pytest.approx(0.26793749749194834, abs=1e-8)


def test_real_masks(shared_data: Path) -> None:
    """A pseudo label of TopoMortar against the accurate one."""
    folder = shared_data / "topomortar" / "train"
    pred, target = (
        np.asarray(Image.open(folder / kind / "001.png")) > 0 for kind in ("pseudo", "accurate")
    )
    pair = Pair(pred, target)
    assert pair.betti == ((1, 38), (2, 30)) or pair.betti[1] == (1, 38)
    assert cldice(pair) == pytest.approx(0.9717, abs=5e-5)  # scikit-image
    assert hd95(pair) == 3.0  # medpy
    assert hd95_directed(pair) == 4.0  # MONAI
    assert assd(pair) == pytest.approx(0.6041, abs=5e-5)  # medpy, MONAI
    assert nsd(pair, tolerance=1) == pytest.approx(0.8641, abs=5e-5)  # MONAI
    assert nsd_length(pair, tolerance=1) == pytest.approx(0.86643, abs=5e-6)  # DeepMind
    assert boundary_iou(pair) == pytest.approx(0.89332, abs=5e-6)  # as in boundary-iou-api
    assert boundary_iou(pair, width=2) == pytest.approx(0.71014, abs=5e-6)
    assert adapted_rand(pair).error == pytest.approx(0.77007, abs=5e-6)  # scikit-image
    assert windowed_betti_errors(pair, window=128) == (0.125, 0.4375)
