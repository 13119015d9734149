"""Metrics on images of all proportions, up to 300 pixels along any axis, against other packages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from seglosses import metrics
from seglosses.laws.masks import random_mask
from seglosses.metrics import Pair
from seglosses.topology import betti_numbers, euler_number, label_components
from seglosses.topology.skeleton import skeletonize

TOLERANCE = 1.57  # at no spacing below a distance between pixels
LENGTHS = st.sampled_from([0.5, 0.7, 1.0, 2.0, 3.25])
PIXELS = 20_000


class Case(NamedTuple):
    pred: np.ndarray
    target: np.ndarray
    spacing: tuple[float, ...]

    def pair(self) -> Pair:
        return Pair(self.pred, self.target, spacing=self.spacing)


@st.composite
def cases(draw: st.DrawFn, dims: tuple[int, ...] = (2, 3), pixels: int = PIXELS) -> Case:
    sides: list[int] = []
    for _ in range(draw(st.sampled_from(dims))):
        sides.append(draw(st.integers(1, max(1, min(300, pixels // int(np.prod(sides)))))))
    shape = tuple(draw(st.permutations(sides)))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    pred, target = random_mask(rng, shape), random_mask(rng, shape)
    if draw(st.booleans()):
        pred = target ^ (pred & (rng.random(shape) < 0.3))
    assume(pred.any() and target.any())
    return Case(pred, target, tuple(draw(LENGTHS) for _ in shape))


def surface_distances(case: Case) -> tuple[np.ndarray, np.ndarray]:
    rims = [mask & ~ndimage.binary_erosion(mask) for mask in (case.pred, case.target)]
    maps = [ndimage.distance_transform_edt(~rim, sampling=case.spacing) for rim in rims]
    return maps[1][rims[0]], maps[0][rims[1]]


@given(cases())
def test_distances_equal_scipy(case: Case) -> None:
    pair, (ours, theirs) = case.pair(), surface_distances(case)
    both = np.concatenate([ours, theirs])
    expected = {
        "hd95": np.percentile(both, 95),
        "hd95_directed": max(np.percentile(ours, 95), np.percentile(theirs, 95)),
        "assd": both.mean(),
        "nsd": (both <= TOLERANCE).mean(),
    }
    found = {
        "hd95": metrics.hd95(pair),
        "hd95_directed": metrics.hd95_directed(pair),
        "assd": metrics.assd(pair),
        "nsd": metrics.nsd(pair, tolerance=TOLERANCE),
    }
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
    shares = [(side <= TOLERANCE).mean() for side in (ours, theirs)]
    f = 2 * np.prod(shares) / sum(shares) if any(shares) else 0
    assert metrics.boundary_f(pair, tolerance=TOLERANCE) == pytest.approx(f)


@given(cases())
def test_components_equal_scipy(case: Case) -> None:
    ndim = case.pred.ndim
    for connectivity, order in (({2: 8, 3: 26}[ndim], ndim), ({2: 4, 3: 6}[ndim], 1)):
        structure = ndimage.generate_binary_structure(ndim, order)
        count = ndimage.label(case.pred, structure)[1]
        assert label_components(case.pred, connectivity=connectivity)[1] == count
        assert betti_numbers(case.pred, connectivity=connectivity)[0] == count


@settings(max_examples=8)
@given(cases())
def test_distances_equal_medpy(case: Case) -> None:
    medpy = pytest.importorskip("medpy.metric.binary", reason="oracle of pooled distances")
    pair = case.pair()
    expected = {
        "hd95": medpy.hd95(case.pred, case.target, voxelspacing=case.spacing),
        "assd": medpy.assd(case.pred, case.target, voxelspacing=case.spacing),
        "dice": medpy.dc(case.pred, case.target),
        "iou": medpy.jc(case.pred, case.target),
    }
    found = {name: getattr(metrics, name)(pair) for name in expected}
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@given(cases())
def test_scores_equal_monai(case: Case) -> None:
    monai = pytest.importorskip("monai.metrics", reason="oracle of directed distances and of NSD")
    torch = pytest.importorskip("torch")
    both = [
        torch.from_numpy(mask.astype(np.float32))[None, None] for mask in (case.pred, case.target)
    ]
    options = {"include_background": True, "spacing": list(case.spacing)}
    pair = case.pair()
    expected = {
        "hd95_directed": monai.compute_hausdorff_distance(*both, percentile=95, **options),
        "assd": monai.compute_average_surface_distance(*both, symmetric=True, **options),
        "nsd": monai.compute_surface_dice(*both, [TOLERANCE], **options),
        "dice": monai.compute_dice(*both, include_background=True),
        "iou": monai.compute_iou(*both, include_background=True),
    }
    found = {
        "hd95_directed": metrics.hd95_directed(pair),
        "assd": metrics.assd(pair),
        "nsd": metrics.nsd(pair, tolerance=TOLERANCE),
        "dice": metrics.dice(pair),
        "iou": metrics.iou(pair),
    }
    assert found == pytest.approx(
        {name: float(value) for name, value in expected.items()}, rel=1e-5, abs=1e-6
    )


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@pytest.mark.skipif(np.__version__ < "2", reason="the oracle asks for np.bool of NumPy 2")
@settings(max_examples=8)
@given(cases())
def test_contours_equal_deepmind(case: Case) -> None:
    deepmind = pytest.importorskip("surface_distance", reason="oracle of NSD by length")
    distances = deepmind.compute_surface_distances(case.target, case.pred, case.spacing)
    expected = deepmind.compute_surface_dice_at_tolerance(distances, TOLERANCE)
    assert metrics.nsd_length(case.pair(), tolerance=TOLERANCE) == pytest.approx(expected)


@given(cases())
def test_structures_equal_scikit_image(case: Case) -> None:
    from skimage import measure
    from skimage import metrics as theirs
    from skimage.morphology import skeletonize as thin

    pair, ndim = Pair(case.pred, case.target), case.pred.ndim
    rims = [np.zeros(case.pred.shape, bool) for _ in range(2)]
    for rim, side in zip(rims, (pair.surfaces.pred, pair.surfaces.target), strict=True):
        rim[pair.box] = side
    farthest = theirs.hausdorff_distance(*rims)
    assert metrics.hd95(pair, percentile=100) == pytest.approx(farthest, rel=1e-5)
    for connectivity, order in (({2: 8, 3: 26}[ndim], ndim), ({2: 4, 3: 6}[ndim], 1)):
        expected = measure.euler_number(case.pred, connectivity=order)
        assert euler_number(case.pred, connectivity=connectivity) == expected
    cells = [measure.label(~mask, connectivity=1) for mask in (case.pred, case.target)]
    if cells[1].any():
        found = metrics.adapted_rand(pair)
        if found.precision < 1 and found.recall < 1:  # shares of no pairs are a convention
            # scikit-image swaps the names of precision and recall
            error, recall, precision = theirs.adapted_rand_error(
                cells[1], cells[0], ignore_labels=(0,)
            )
            assert found == pytest.approx((error, precision, recall))
        inside = cells[1] > 0
        expected = theirs.variation_of_information(cells[1][inside], cells[0][inside])
        assert metrics.variation_of_information(pair) == pytest.approx(tuple(expected), abs=1e-9)
    if 1 not in case.pred.shape:
        lines = thin(case.pred)
        ours = skeletonize(case.pred)
        assert not (lines & ~ours).any()
        assert ndim == 3 or (lines == ours).all()
