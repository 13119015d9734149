"""What every topological loss must do: price topological errors only, and repair them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from seglosses.losses import (
    SupervoxelLoss,
    TopographLoss,
    TopologicalPriorLoss,
    TopoLoss,
    WarpingLoss,
)
from seglosses.topology import betti_numbers
from tests.losses.topology.topology_cases import bars, confident, graded, perfect32, spoiled

ALL = ("break", "bridge", "island", "hole")

# (loss, the errors that it sees, whether deformation is free)
LOSSES: dict[str, tuple[nn.Module, tuple[str, ...], bool]] = {
    "topograph": (TopographLoss(), ALL, True),
    "topograph-entropy": (TopographLoss(price="entropy"), ALL, True),
    "warping": (WarpingLoss(), ALL, True),
    "topo": (TopoLoss(window=None), ALL, True),
    "prior": (TopologicalPriorLoss(), ALL, True),
    "supervoxel": (SupervoxelLoss(alpha=1.0), ("break", "bridge", "island"), True),
}
CASES = [(name, defect) for name, (_, seen, _) in LOSSES.items() for defect in seen]


@pytest.mark.parametrize("name", LOSSES)
def test_perfect_prediction_has_no_gradient(name: str) -> None:
    logits, label = perfect32()
    logits.requires_grad_()
    loss = LOSSES[name][0](logits, label)
    assert abs(loss.item()) < 1e-6
    loss.backward()
    assert logits.grad.abs().sum() < 1e-6


@pytest.mark.parametrize(("name", "defect"), CASES)
def test_gradient_repairs(name: str, defect: str) -> None:
    label = bars()
    loss = LOSSES[name][0]
    wrong = spoiled(defect)
    logits = graded(defect).requires_grad_()
    assert betti_numbers(wrong[0].numpy()) != betti_numbers(label[0].numpy())
    optimiser = torch.optim.Adam([logits], 0.05)
    for _ in range(60):
        optimiser.zero_grad()
        value = loss(logits, label)
        value.backward()
        optimiser.step()
        seen = logits.argmax(1)[0].numpy()
        if betti_numbers(seen) == betti_numbers(label[0].numpy()):
            return
    raise AssertionError(f"{name} leaves Betti numbers {betti_numbers(seen)} after a {defect}")


@pytest.mark.parametrize(("name", "defect"), CASES)
def test_gradient_points_the_right_way(name: str, defect: str) -> None:
    """Where it is not zero on wrong pixels, descent moves them towards the label."""
    label, wrong = bars(), spoiled(defect)
    logits = graded(defect).requires_grad_()
    LOSSES[name][0](logits, label).backward()
    error = wrong != label.bool()
    slope = logits.grad[:, 1][error]
    towards = torch.where(label.bool(), -1.0, 1.0)[error]
    assert (slope * towards).sum() > 0


@pytest.mark.parametrize("name", [name for name, (_, _, free) in LOSSES.items() if free])
def test_deformation_is_free(name: str) -> None:
    logits = confident(spoiled("deformation"), 8.0).requires_grad_()
    loss = LOSSES[name][0](logits, bars())
    loss.backward()
    assert loss.item() < 1e-3
    assert logits.grad.abs().sum() < 1e-3


@pytest.mark.parametrize(("name", "defect"), CASES)
def test_shifted_images_cost_the_same(name: str, defect: str) -> None:
    def shifted(by: tuple[int, int]) -> float:
        seen, label = (t.roll(by, (1, 2)) for t in (spoiled(defect), bars()))
        return LOSSES[name][0](confident(seen, 3.0), label).item()

    assert shifted((0, 0)) == pytest.approx(shifted((1, -1)), rel=1e-5)


def test_windows_send_the_gradient_to_their_own_place() -> None:
    """The island lies in the third of three rows of windows, and so must its gradient."""
    logits = graded("island", 12.0).requires_grad_()
    TopoLoss(window=8)(logits, bars()).backward()
    rows = logits.grad[0, 1].abs().sum(1)
    assert rows[:16].sum() < 1e-3
    assert rows[20:22].sum() > 0.05
