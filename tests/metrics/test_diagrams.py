"""Distances of diagrams, against gudhi from end to end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from seglosses.cli import main
from seglosses.evaluate import evaluate
from seglosses.metrics import construction_of, diagram_distances
from seglosses.metrics.diagrams import diagrams

gudhi = pytest.importorskip("gudhi", reason="distances of diagrams")
LEVELS = st.sampled_from(np.linspace(0, 1, 9).tolist())
MAPS = st.one_of(arrays(float, (5, 6), elements=LEVELS), arrays(float, (3, 3, 4), elements=LEVELS))


def gudhis(image: np.ndarray, connectivity: int | None) -> list[np.ndarray]:
    kind = "top_dimensional_cells" if connectivity is None else "vertices"
    cubes = gudhi.CubicalComplex(**{kind: -image})
    cubes.compute_persistence()
    found = []
    for dimension in range(image.ndim):
        bars = -cubes.persistence_intervals_in_dimension(dimension).reshape(-1, 2)
        bars[~np.isfinite(bars)] = 0
        found.append(bars[bars[:, 0] > bars[:, 1]])
    return found


def wasserstein(one: np.ndarray, two: np.ndarray) -> float:
    """Order 1 by the Hungarian method, with a copy of the diagonal for each point."""
    cost = np.zeros((len(one) + len(two),) * 2)
    cost[: len(one), : len(two)] = np.abs(one[:, None] - two[None]).max(axis=-1)
    cost[: len(one), len(two) :] = (one[:, :1] - one[:, 1:]) / 2
    cost[len(one) :, : len(two)] = ((two[:, 0] - two[:, 1]) / 2)[None]
    return float(cost[linear_sum_assignment(cost)].sum())


@given(MAPS, st.sampled_from([None, 4]), st.data())
def test_distances_equal_gudhi_and_the_hungarian_method(
    prob: np.ndarray, connectivity: int | None, data: st.DataObject
) -> None:
    target = data.draw(arrays(bool, prob.shape))
    construction = construction_of(connectivity)
    pairs = list(zip(gudhis(prob, connectivity), gudhis(target * 1.0, connectivity), strict=True))
    for ours, theirs in zip(diagrams(prob, construction), pairs, strict=True):
        assert sorted(ours.tolist()) == sorted(theirs[0].tolist())
    found = diagram_distances(prob, target, construction=construction)
    exact = [gudhi.bottleneck_distance(-one, -two, 0.0) for one, two in pairs]
    assert found.bottleneck == pytest.approx(exact, rel=2e-4, abs=1e-9)
    assert found.wasserstein == pytest.approx(
        [wasserstein(*pair) for pair in pairs], rel=2e-4, abs=1e-9
    )


def test_the_order_of_the_wasserstein_distance() -> None:
    # (1, 0) against (0.75, 0) and (0.5, 0.25) against the diagonal: 1/4 and 1/8
    found = diagram_distances([[0.75, 0.25, 0.5]], [[1, 0, 0]], order=2)
    assert found.wasserstein[0] == pytest.approx(np.hypot(1 / 4, 1 / 8), rel=1e-3)


def test_shapes_must_be_equal() -> None:
    with pytest.raises(ValueError, match="one shape"):
        diagram_distances(np.ones((3, 4)), np.ones((4, 3)))


def test_columns_and_command(tmp_path, capsys) -> None:
    prob = np.array([[0.75, 0.25, 0.5], [0.0, 0.0, 0.0]], np.float32)
    target = np.array([[1, 0, 0], [0, 0, 0]])
    for folder, array in (
        ("pred", (prob > 0.5).astype(int)),
        ("gt", target),
        ("prob", np.stack([1 - prob, prob])),
    ):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "a.npy", array)
    result = evaluate(
        tmp_path / "pred",
        tmp_path / "gt",
        num_classes=2,
        probabilities=tmp_path / "prob",
        metrics=["barcodes"],
        out=tmp_path / "out",
    )
    assert result.table.matrix("bottleneck0")[0, -1] == pytest.approx(0.25, rel=1e-3)
    assert result.table.matrix("wasserstein0")[0, -1] == pytest.approx(0.375, rel=1e-3)
    assert result.table.matrix("wasserstein1")[0, -1] == 0
    paths = [str(tmp_path / name / "a.npy") for name in ("prob", "gt")]
    assert main(["topology", *paths, "--out", str(tmp_path / "a.png"), "--distance"]) == 0
    printed = capsys.readouterr().out
    assert "bottleneck distance  0.2500, 0.0000" in printed
    assert "Wasserstein distance 0.3750, 0.0000" in printed
