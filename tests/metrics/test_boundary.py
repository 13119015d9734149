"""Surface distances: equal to the packages whose definitions they name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from seglosses.metrics import (
    Pair,
    assd,
    boundary_f,
    boundary_iou,
    hd95,
    hd95_directed,
    nsd,
    nsd_length,
)
from seglosses.metrics.boundary import band

SHAPES = array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=8)
PAIRS = SHAPES.flatmap(lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape)))
VOLUMES = st.tuples(arrays(bool, (4, 3, 5)), arrays(bool, (4, 3, 5)))
PLANES = st.tuples(arrays(bool, (7, 9)), arrays(bool, (7, 9)))
SPACINGS = st.tuples(*[st.sampled_from([0.5, 1.0, 2.0, 3.25])] * 3)


@given(PAIRS, SPACINGS)
def test_pooled_distances_equal_medpy(pair: tuple[np.ndarray, np.ndarray], spacing: tuple) -> None:
    medpy = pytest.importorskip("medpy.metric.binary", reason="oracle of the pooled HD95")
    pred, target = pair
    assume(pred.any() and target.any())
    lengths = spacing[: pred.ndim]
    ours = Pair(pred, target, spacing=lengths)
    for metric, theirs in ((hd95, medpy.hd95), (assd, medpy.assd)):
        expected = theirs(pred, target, voxelspacing=lengths)
        assert metric(ours) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_distances_longer_than_the_box_of_the_masks_is_wide() -> None:
    # The stray piece lies 100 rows above an object whose box is four columns wide.
    target = np.zeros((256, 256), bool)
    target[120:160, 100:104] = True
    pred = target.copy()
    pred[20:33, 100:103] = True
    # 28 of the 112 + 84 surface pixels are far: two in each row, 88 to 100 rows away, and one more
    # in the first and the last row. P95 is the 185.25th of 196, so the 17.25th of the 28.
    pair = Pair(pred, target)
    assert hd95(pair) == pytest.approx(96.0)
    assert assd(pair) == pytest.approx((2 * sum(range(88, 101)) + 88 + 100) / 196)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@given(PAIRS, st.sampled_from([0.0, 1.0, 1.5]))
def test_directed_distances_equal_monai(
    pair: tuple[np.ndarray, np.ndarray], tolerance: float
) -> None:
    monai = pytest.importorskip("monai.metrics", reason="oracle of the directed HD95 and of NSD")
    torch = pytest.importorskip("torch")
    pred, target = pair
    assume(pred.any() and target.any())
    both = [torch.from_numpy(mask.astype(np.float32))[None, None] for mask in pair]
    ours = Pair(pred, target)
    expected = monai.compute_hausdorff_distance(*both, include_background=True, percentile=95)
    assert hd95_directed(ours) == pytest.approx(float(expected), rel=1e-5, abs=1e-6)
    expected = monai.compute_average_surface_distance(
        *both, include_background=True, symmetric=True
    )
    assert assd(ours) == pytest.approx(float(expected), rel=1e-5, abs=1e-6)
    expected = monai.compute_surface_dice(*both, [tolerance], include_background=True)
    assert nsd(ours, tolerance=tolerance) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@pytest.mark.skipif(np.__version__ < "2", reason="the oracle asks for np.bool of NumPy 2")
@given(st.one_of(PLANES, VOLUMES), SPACINGS, st.sampled_from([0.0, 1.0, 2.0]))
def test_contour_lengths_and_areas_equal_deepmind(
    pair: tuple[np.ndarray, np.ndarray], spacing: tuple, tolerance: float
) -> None:
    deepmind = pytest.importorskip("surface_distance", reason="oracle of NSD by length")
    pred, target = pair
    assume(pred.any() and target.any())
    lengths = spacing[: pred.ndim]
    distances = deepmind.compute_surface_distances(target, pred, lengths)
    expected = deepmind.compute_surface_dice_at_tolerance(distances, tolerance)
    ours = nsd_length(Pair(pred, target, spacing=lengths), tolerance=tolerance)
    assert ours == pytest.approx(expected, rel=1e-5)


@given(PLANES, st.integers(1, 3))
def test_boundary_iou_equals_eroding_step_by_step(
    pair: tuple[np.ndarray, np.ndarray], width: int
) -> None:
    assume(pair[0].any() and pair[1].any())
    square = np.ones((3, 3))
    bands = [
        mask & ~ndimage.binary_erosion(mask, square, iterations=width, border_value=0)
        for mask in pair
    ]
    expected = (bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()
    assert boundary_iou(Pair(*pair), width=width) == pytest.approx(expected)


@given(PLANES, st.integers(0, 3))
def test_boundary_f_equals_counting_with_a_disk(
    pair: tuple[np.ndarray, np.ndarray], radius: int
) -> None:
    assume(pair[0].any() and pair[1].any())
    grid = np.indices((2 * radius + 1,) * 2) - radius
    disk = np.square(grid).sum(axis=0) <= radius**2
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in pair]
    near = [ndimage.binary_dilation(edge, disk) for edge in edges]
    precision = (edges[0] & near[1]).sum() / edges[0].sum()
    recall = (edges[1] & near[0]).sum() / edges[1].sum()
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    assert boundary_f(Pair(*pair), tolerance=radius) == pytest.approx(expected)


def test_both_definitions_of_hd95_differ() -> None:
    # Distances from P: (0,); from T: 0, 1, ..., 9. Pooled (0, 0, 1, ..., 9) has 11 numbers, the
    # 95th percentile lies at 9.5: 8 + 0.5. Directed: at 0.95 * 9 = 8.55 of (0, ..., 9).
    target = np.ones((1, 10), bool)
    pred = np.zeros((1, 10), bool)
    pred[0, 0] = True
    assert hd95(Pair(pred, target)) == pytest.approx(8.5)
    assert hd95_directed(Pair(pred, target)) == pytest.approx(8.55)
    assert hd95(Pair(pred, target), percentile=100) == 9


def test_thin_lines_are_all_band() -> None:
    line = np.zeros((9, 9), bool)
    line[3:6] = True
    np.testing.assert_array_equal(band(line, 2), line)
    with pytest.raises(ValueError, match="at least 1 pixel"):
        band(line, 0)


def test_areas_weigh_by_size_where_counting_does_not() -> None:
    # plates one voxel apart: their rims have half of the places near each other, but hardly area
    plates = np.zeros((2, 5, 40, 40), bool)
    plates[0, 1:3], plates[1, 2:4] = True, True
    pair = Pair(*plates, spacing=(1, 3, 3))
    assert nsd_length(pair, tolerance=0) == pytest.approx(0, abs=0.05)
    assert nsd_length(pair, tolerance=1) == 1


@pytest.mark.parametrize("metric", [nsd, nsd_length, boundary_f])
def test_far_apart_scores_nothing(metric) -> None:
    pred, target = np.zeros((2, 9, 9), bool)
    pred[0, 0] = target[8, 8] = True
    assert metric(Pair(pred, target), tolerance=1) == 0


@pytest.mark.parametrize("metric", [nsd, nsd_length, boundary_f])
def test_a_distance_of_the_tolerance_is_near(metric) -> None:
    pred, target = np.zeros((2, 4, 9), bool)
    pred[1, 1] = target[1, 4] = True
    assert metric(Pair(pred, target), tolerance=3) == 1
    assert metric(Pair(pred, target), tolerance=2.9) < 1


def test_the_width_of_the_band_is_rounded() -> None:
    # a diagonal of 90 pixels, of which 2 % are 1.8
    target = np.ones((54, 72), bool)
    pred = target.copy()
    pred[1] = False
    assert boundary_iou(Pair(pred, target)) == boundary_iou(Pair(pred, target), width=2)
    assert boundary_iou(Pair(pred, target)) != boundary_iou(Pair(pred, target), width=1)
