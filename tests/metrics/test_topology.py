"""Topology of masks: gudhi and the reference formula of clDice as oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis.extra.numpy import arrays
from skimage.morphology import skeletonize

from seglosses.metrics import Pair, betti_error, cldice

MASKS = arrays(bool, (8, 9))


@given(MASKS, MASKS)
def test_betti_errors_equal_gudhi(pred: np.ndarray, target: np.ndarray) -> None:
    gudhi = pytest.importorskip("gudhi", reason="oracle of Betti numbers")
    assume(pred.any() and target.any())

    def betti(mask: np.ndarray) -> list[int]:
        # Closed top-dimensional cells: pixels touch at corners; the outside is background.
        cells = np.pad(np.where(mask, 0.0, 1.0), 1, constant_values=1.0)
        cubes = gudhi.CubicalComplex(top_dimensional_cells=cells)
        cubes.compute_persistence()
        return [len([b for b, d in cubes.persistence_intervals_in_dimension(k) if b < 1 <= d])
                for k in (0, 1)]  # fmt: skip

    expected = np.abs(np.subtract(betti(pred), betti(target)))
    pair = Pair(pred, target)
    assert [betti_error(pair, 0), betti_error(pair, 1)] == expected.tolist()


def test_an_empty_mask_has_no_component() -> None:
    # gudhi and TopoMortar count one, so an empty prediction of one component would be perfect.
    target = np.ones((3, 3), bool)
    assert betti_error(Pair(np.zeros((3, 3)), target), 0) == 1


@given(MASKS, MASKS)
def test_cldice_equals_its_formula(pred: np.ndarray, target: np.ndarray) -> None:
    assume(pred.any() and target.any())
    skeleton, true_skeleton = skeletonize(pred), skeletonize(target)
    precision = (skeleton & target).sum() / skeleton.sum()
    sensitivity = (true_skeleton & pred).sum() / true_skeleton.sum()
    both = precision + sensitivity
    expected = 2 * precision * sensitivity / both if both else 0.0
    assert cldice(Pair(pred, target)) == pytest.approx(expected)
