"""Losses of paths, ridges and skeletons: gaps close, false lines open, deformation is free."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from seglosses.losses import (
    CavityLoss,
    MalisLoss,
    MorseLoss,
    SkeletonToleranceLoss,
    cavity_loss,
    malis_distance_loss,
    malis_loss,
    morse_loss,
    skeleton_tolerance_loss,
)
from seglosses.primitives.distance import distance_to
from seglosses.topology import betti_numbers
from tests.losses.topology.topology_cases import case, grid, perfect32

LOSSES: dict[str, tuple[nn.Module, tuple[str, ...]]] = {
    "malis": (MalisLoss(window=None, positive=1.0), ("gap", "false line")),
    "malis-windows": (MalisLoss(window=16), ("gap",)),
    "malis-distance": (MalisLoss(None, positive=1.0, distance=4.0), ("gap", "false line")),
    "cavity": (CavityLoss(), ("gap",)),
    "morse": (MorseLoss(), ("gap", "false line")),
    "skeleton-tolerance": (SkeletonToleranceLoss(), ("gap", "false line")),
}
CASES = [(name, defect) for name, (_, defects) in LOSSES.items() for defect in defects]


@pytest.mark.parametrize(("name", "defect"), CASES)
def test_gradient_repairs(name: str, defect: str) -> None:
    logits, label = grid(defect)
    logits.requires_grad_()
    wanted = betti_numbers(label[0].numpy())
    assert betti_numbers(logits.argmax(1)[0].numpy()) != wanted
    optimiser = torch.optim.Adam([logits], 0.05)
    for _ in range(60):
        optimiser.zero_grad()
        LOSSES[name][0](logits, label).backward()
        optimiser.step()
        if betti_numbers(logits.argmax(1)[0].numpy()) == wanted:
            return
    raise AssertionError(f"{name} does not repair a {defect}")


@pytest.mark.parametrize("name", LOSSES)
def test_perfect_prediction_has_no_gradient(name: str) -> None:
    logits, label = perfect32()
    logits.requires_grad_()
    if name == "malis-distance":
        depth = distance_to(label[0].numpy() > 0).clip(max=4.0)
        half = (0.5 - torch.from_numpy(depth)).unsqueeze(0) / 2
        logits = torch.stack([-half, half], 1).requires_grad_()
    loss = LOSSES[name][0](logits, label)
    loss.backward()
    assert loss.item() < 1e-6
    assert logits.grad.abs().sum() < 1e-5


@pytest.mark.parametrize("name", ["malis", "malis-windows", "cavity"])
def test_nothing_is_missing_past_an_open_end(name: str) -> None:
    """A cross whose arms end two pixels before the border, predicted exactly."""
    label = torch.zeros(1, 20, 24, dtype=torch.long)
    label[:, 8:11, 2:22] = label[:, 2:18, 10:13] = 1
    jitter = torch.rand(label.shape, generator=torch.Generator().manual_seed(0))
    half = (2.0 * label - 1) * (9 + jitter)
    logits = torch.stack([-half, half], 1).requires_grad_()
    loss = LOSSES[name][0](logits, label)
    assert loss.item() < 1e-6
    loss.backward()
    assert logits.grad.abs().sum() < 1e-5


def test_windows_part_what_hangs_together_elsewhere() -> None:
    """A road that ends in the image: its gap is seen in a window that it crosses."""
    label = torch.zeros(1, 24, 24, dtype=torch.long)
    label[:, :20, 3:6] = 1
    seen = label.clone()
    seen[:, 4, 3:6] = 0
    logits = torch.stack([1 - seen, seen], 1) * 6.0 - 3
    assert MalisLoss(window=12, margin=1)(logits, label) > 0.01
    assert MalisLoss(window=None, margin=1)(logits, label) < 0.01


@pytest.mark.parametrize("name", ["malis", "cavity", "morse"])
def test_wider_lines_are_free(name: str) -> None:
    logits, label = grid("wider")
    assert LOSSES[name][0](logits, label) < 0.02


def test_a_gap_costs_its_bottleneck() -> None:
    """Two cells of 3 x 2: all 36 pairs pass the weakest pixel of the line."""
    line = torch.zeros(1, 1, 3, 5)
    line[..., 2] = 1
    prob = line.clone()
    prob[0, 0, :, 2] = torch.tensor([0.9, 0.3, 0.8])
    prob.requires_grad_()
    loss = malis_loss(prob, line, margin=0, positive=0.0)
    assert loss.item() == pytest.approx(0.7**2)
    loss.sum().backward()
    assert prob.grad.flatten().nonzero().flatten().tolist() == [7]
    assert prob.grad[0, 0, 1, 2].item() == pytest.approx(-1.4)


def test_distances_are_regressed_and_corrected_at_bottlenecks() -> None:
    """Two cells of 3 x 2: distances 0 on the line, but for a gap of 0.3, and 1 and 2 beside it."""
    line = torch.zeros(1, 1, 3, 5)
    line[..., 2] = 1
    exact = torch.tensor([2.0, 1.0, 0.0, 1.0, 2.0]).expand(1, 1, 3, 5)
    assert malis_distance_loss(0.5 - exact, line, margin=0) == 0
    far = exact.clamp(max=1.0)
    assert malis_distance_loss(0.5 - far, line, margin=0, distance=1.0) == 0
    z = 0.5 - exact
    z[..., 1, 2] = 0.2
    z.requires_grad_()
    loss = malis_distance_loss(z, line, margin=0, positive=0.0, fit=0.0)
    assert loss.item() == pytest.approx(0.3**2)
    loss.sum().backward()
    assert z.grad.flatten().nonzero().flatten().tolist() == [7]
    assert z.grad[0, 0, 1, 2].item() == pytest.approx(-0.6)
    fitted = malis_distance_loss(z, line, margin=0, positive=0.0, fit=0.5)
    assert fitted.item() == pytest.approx(1.5 * 0.3**2)


def test_false_lines_are_drawn_back_to_their_distance() -> None:
    """A cell of six pixels with a line seen in its middle, which passes 3 of 5 + 4 + ... + 1."""
    line = torch.zeros(1, 1, 1, 8)
    line[..., 7] = 1
    exact = torch.tensor([7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    seen = exact.clone()
    seen[4] = 0.0
    loss = malis_distance_loss((0.5 - seen).view(1, 1, 1, 8), line, margin=1, positive=1.0, fit=0.0)
    # pairs left x right of it 4 * 1, and its own pairs 5, of 15 pairs of the pixels 0 to 5
    assert loss.item() == pytest.approx(9 / 15 * 3.0**2)


def test_ignored_pixels_hold_no_distances() -> None:
    logits, label = grid("gap")
    logits, label = logits.requires_grad_(), label.clone()
    label[:, 25:] = 255
    for loss in (MalisLoss(None, distance=4.0), MalisLoss(None)):
        value = loss(logits, label)
        (slope,) = torch.autograd.grad(value, logits)
        changed = logits.detach().clone()
        changed[:, :, 25:] = 50.0
        torch.testing.assert_close(loss(changed, label), value)
        assert slope[:, :, 25:].abs().sum() == 0


def test_cavities_that_do_not_leak_cost_nothing() -> None:
    logits, label = grid()
    assert CavityLoss()(logits, label) == 0
    gap, _ = grid("gap")
    assert CavityLoss()(gap, label) > 0.01
    far, _ = grid("false line")
    assert CavityLoss()(far, label) == 0


def test_cavities_of_volumes_leak_through_membranes() -> None:
    label = torch.zeros(1, 8, 8, 12, dtype=torch.long)
    label[..., 6] = 1
    seen = label.clone()
    assert CavityLoss()(torch.stack([1 - seen, seen], 1) * 9.0 - 4.5, label) == 0
    seen[:, 4, 5, 6] = 0
    logits = (torch.stack([1 - seen, seen], 1) * 9.0 - 4.5).requires_grad_()
    CavityLoss()(logits, label).backward()
    assert logits.grad[0, 1, 4, 5, 6] < 0


def test_skeleton_tolerance_tolerates_rims_only() -> None:
    """A rim of wrong pixels costs its cross-entropy, a missed middle the region term as well."""
    label = torch.zeros(1, 12, 40, dtype=torch.long)
    label[:, 4:9] = 1
    rim, middle = label.clone(), label.clone()
    rim[:, 4] = 0
    middle[:, 6, 1:-1] = 0
    region = {}
    for name, seen in (("rim", rim), ("middle", middle)):
        logits = torch.stack([1 - seen, seen], 1) * 8.0 - 4
        with_region = SkeletonToleranceLoss(boost=0.0)(logits, label)
        region[name] = (
            with_region - SkeletonToleranceLoss(boost=0.0, repair=0.0)(logits, label)
        ).item()
    assert region["rim"] == pytest.approx(torch.tensor(-8.0).sigmoid().item(), rel=0.2)
    assert region["middle"] == pytest.approx(38 / 480, rel=0.02)


def test_published_region_term_where_nothing_is_tolerated() -> None:
    """clovermini/Skea_topo's region term on a label without foreground, the mean of p."""
    logits, label = case("empty_target16")
    loss = SkeletonToleranceLoss(boost=0.0)(logits, label)
    plain = SkeletonToleranceLoss(boost=0.0, repair=0.0)(logits, label)
    assert (loss - plain).item() == pytest.approx(0.1418967545, abs=1e-6)


@pytest.mark.parametrize("shape", [(6, 7), (3, 4, 5)])
def test_gradcheck(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    size = torch.Size(shape).numel()
    margin = (torch.randperm(size, generator=generator).double() - size / 2 + 0.3) / 10
    margin = margin.view(1, 1, *shape).requires_grad_()
    label = torch.zeros(1, 1, *shape, dtype=torch.float64)
    label[..., 3] = 1
    assert gradcheck(lambda z: malis_loss(z.sigmoid(), label, margin=0), margin)
    assert gradcheck(lambda z: malis_distance_loss(z, label, margin=0, distance=2.0), margin)
    assert gradcheck(lambda z: morse_loss(z, label), margin)
    assert gradcheck(lambda z: skeleton_tolerance_loss(z, label), margin)
    assert gradcheck(lambda z: cavity_loss(z, label, reach=0), margin)


def test_border() -> None:
    with pytest.raises(ValueError, match=r"window must be a whole number in \[2"):
        MalisLoss(window=1)
    with pytest.raises(ValueError, match="larger than margin"):
        MalisLoss(distance=2.0)
    with pytest.raises(ValueError, match="reach must be a whole number"):
        CavityLoss(reach=-1)
    with pytest.raises(ValueError, match="least must lie"):
        MorseLoss(least=1.0)
