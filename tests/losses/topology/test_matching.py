"""Betti matching loss: published numbers, the released engine, options, descent that repairs."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from seglosses.losses import BettiMatchingLoss, betti_matching_loss
from seglosses.topology import betti_matching_batch, betti_numbers, matching_error
from tests.losses.topology.topology_cases import case

ROOT = Path(__file__).parents[3]

# topolosses 0.2.0, BettiMatchingLoss of the foreground with alpha 1: value, sum of |gradient| over
# both logits, pixels with a gradient. It leaves the component that never dies out.
PUBLISHED = {
    "bricks32": (0.3465532660484314, 1.99587082862854, 732),
    "empty_target16": (2.9008240699768066, 11.640676498413086, 132),
    "break_island24": (1.9973182678222656, 0.005360093899071217, 4),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published(name: str) -> None:
    logits, labels = case(name)
    logits.requires_grad_()
    loss = BettiMatchingLoss(essential=False)(logits, labels)
    loss.backward()
    value, slope, pixels = PUBLISHED[name]
    assert loss.item() == pytest.approx(value, rel=1e-6)
    assert logits.grad.abs().sum().item() == pytest.approx(slope, rel=1e-5)
    assert int((logits.grad[:, 1] != 0).sum()) == pixels


def maps(seed: int = 0, shape: tuple[int, ...] = (2, 2, 9, 11)) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    prob = torch.rand(shape, generator=generator, dtype=torch.float64)
    target = (torch.rand(shape, generator=generator) < 0.6).double()
    return prob.requires_grad_(), target


def by_hand(prob: np.ndarray, target: np.ndarray, **options: object) -> float:
    """The formula, feature by feature, without the component that never dies."""
    (found,) = betti_matching_batch([prob], [target], **options)
    p, t = prob.ravel(), target.ravel()
    total = 0.0
    for dim in range(prob.ndim):
        for bp, dp, bt, dt in found.matched[dim]:
            total += 2 * ((p[bp] - t[bt]) ** 2 + (p[dp] - t[dt]) ** 2)
        total += sum((p[b] - p[d]) ** 2 for b, d in found.unmatched_a[dim])
        total += sum((t[b] - t[d]) ** 2 for b, d in found.unmatched_b[dim])
    return total


@pytest.mark.parametrize("filtration", ["superlevel", "sublevel"])
@pytest.mark.parametrize("construction", ["V", "T"])
@pytest.mark.parametrize("shape", [(2, 2, 9, 11), (1, 2, 4, 5, 6)])
def test_equals_the_formula(filtration: str, construction: str, shape: tuple[int, ...]) -> None:
    prob, target = maps(1, shape)
    options = {"filtration": filtration, "construction": construction}
    loss = betti_matching_loss(prob, target, essential=False, **options)
    expected = [
        [by_hand(p.numpy(), t.numpy(), **options) for p, t in zip(*row, strict=True)]
        for row in zip(prob.detach(), target, strict=True)
    ]
    torch.testing.assert_close(loss, torch.tensor(expected, dtype=torch.float64))


def test_equals_the_released_engine() -> None:
    path = ROOT / "tools" / "check_betti_matching.py"
    spec = importlib.util.spec_from_file_location("check_betti_matching", path)
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)
    place = os.environ.get("SEGLOSSES_BETTI_ENGINE")
    engine = checker.find_engine(Path(place) if place else None)
    if engine is None:
        pytest.skip("no C++ engine: install topolosses or set SEGLOSSES_BETTI_ENGINE")
    for seed in range(20):
        prob, target = maps(seed, (1, 1, 13, 12))
        p, t = prob.detach()[0, 0].numpy(), target[0, 0].numpy()
        expected = 0.0
        bars = checker.engine_bars(engine, 1 - p, 1 - t)
        for matched, surplus, missing in bars:
            pairs = np.reshape(matched, (-1, 4)).astype(int)
            expected += 2 * ((p.ravel()[pairs[:, :2]] - t.ravel()[pairs[:, 2:]]) ** 2).sum()
            for values, rest in ((p, surplus), (t, missing)):
                ends = values.ravel()[np.reshape(rest, (-1, 2)).astype(int)]
                expected += ((ends[:, 0] - ends[:, 1]) ** 2).sum()
        loss = betti_matching_loss(prob, target, essential=False)
        assert loss.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "options",
    [{}, {"filtration": "both", "push_unmatched": True}, {"window": 5, "weights": (0.5, 3.0)}],
)
def test_gradcheck(options: dict) -> None:
    prob, target = maps(3, (1, 1, 5, 6))
    assert torch.autograd.gradcheck(lambda p: betti_matching_loss(p, target, **options), prob)


def test_gradient_flows_to_a_soft_label_too() -> None:
    prob, _ = maps(4)
    label, _ = maps(5)
    betti_matching_loss(prob, label).sum().backward()
    assert label.grad.abs().sum() > 0


def test_threads_and_windows_leave_the_rest_alone() -> None:
    prob, target = maps(6, (2, 2, 16, 16))
    alone = betti_matching_loss(prob, target, threads=1)
    torch.testing.assert_close(alone, betti_matching_loss(prob, target, threads=3))
    torch.testing.assert_close(alone, betti_matching_loss(prob, target, window=16))
    quarters = sum(
        betti_matching_loss(prob[..., y : y + 8, x : x + 8], target[..., y : y + 8, x : x + 8])
        for y in (0, 8)
        for x in (0, 8)
    )
    torch.testing.assert_close(betti_matching_loss(prob, target, window=8), quarters)


def test_pixels_of_weight_zero_are_background() -> None:
    logits, labels = case("break_island24")
    island = torch.zeros_like(labels, dtype=torch.bool)
    island[:, 2:6, 2:6] = True
    masked = BettiMatchingLoss()(logits, labels, weight=(~island).float())
    ignored = BettiMatchingLoss()(logits, labels.masked_fill(island, 255))
    torch.testing.assert_close(masked, ignored)
    assert BettiMatchingLoss()(logits, labels) - masked > 0.9  # what the island costs


# Three errors, drawn: '#' label and prediction agree, '+' spurious, '-' missing.
RING = """
    . . . . . . . . .
    . . # # # # # . .
    . . # . . . # . .
    . . # . . . - . .
    . . # . . . # . .
    . . # # # # # . .
    . . . . . . . . ."""
BRIDGE = """
    . . . . . . . . .
    . # # # # # # # .
    . . . . + . . . .
    . . . . + . . . .
    . # # # # # # # .
    . . . . . . . . ."""
ISLAND_MAP = """
    . . . . . . . . .
    . # # # # # # # .
    . . . . . . . . .
    . . . . . + + . .
    . . . . . + + . .
    . . . . . . . . ."""


def drawn(picture: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Raw logits (1, 1, H, W), surer where right, and the label."""
    cells = np.array([line.split() for line in picture.split("\n") if line.strip()])
    label = torch.from_numpy(np.isin(cells, ["#", "-"]).astype(np.int64))[None]
    seen = torch.from_numpy(np.isin(cells, ["#", "+"]))
    wrong = torch.from_numpy(np.isin(cells, ["+", "-"]))
    jitter = torch.rand(seen.shape, generator=torch.Generator().manual_seed(0))
    size = torch.where(wrong, 0.8 + 0.2 * jitter, 2.0 + jitter)
    return torch.where(seen, size, -size)[None, None], label


@pytest.mark.parametrize("construction", ["V", "T"])
@pytest.mark.parametrize(
    ("picture", "before"), [(RING, (1, 0)), (BRIDGE, (1, 0)), (ISLAND_MAP, (2, 0))]
)
def test_descent_repairs(picture: str, before: tuple[int, int], construction: str) -> None:
    logits, label = drawn(picture)
    truth = label[0].numpy() > 0
    connectivity = 4 if construction == "V" else 8
    seen = logits[0, 0].numpy() > 0
    assert betti_numbers(seen, connectivity=connectivity) == before
    assert matching_error(seen, truth, connectivity=connectivity).total > 0
    logits.requires_grad_()
    loss = BettiMatchingLoss(construction=construction)
    optimiser = torch.optim.SGD([logits], lr=1.0)
    values = []
    for _ in range(60):
        optimiser.zero_grad()
        value = loss(logits, label)
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < values[0] / 3
    seen = logits.detach()[0, 0].numpy() > 0
    assert betti_numbers(seen, connectivity=connectivity) == betti_numbers(
        truth, connectivity=connectivity
    )
    assert matching_error(seen, truth, connectivity=connectivity).total == 0


@pytest.mark.at_hand
def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        BettiMatchingLoss()(torch.full((1, 1, 3, 3), torch.nan), torch.zeros(1, 3, 3).long())


def test_a_hole_that_another_class_fills_counts_for_both() -> None:
    labels = torch.zeros(1, 9, 9, dtype=torch.long)
    labels[0, 2:7, 2:7], labels[0, 4, 4] = 1, 2
    lost = labels.clone()
    lost[0, 4, 4] = 1
    logits = 20.0 * torch.nn.functional.one_hot(lost, 3).movedim(-1, 1) - 10
    found = [BettiMatchingLoss(classes=c)(logits, labels).item() for c in ([1], [2], None)]
    # a loop of the label is missed, (1 - 0)^2; the birth of its only component too, 2 (1 - 0)^2
    assert found == pytest.approx([1.0, 2.0, 1.5], abs=1e-4)
