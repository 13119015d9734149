"""Betti matching loss: published numbers, the released engine, options, descent that repairs."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from seglosses.losses import BettiMatchingLoss, betti_matching_loss
from seglosses.losses.topology.matched_features import known_labels
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


def row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


ISLAND, ALONE = row(0.9, 0.1, 0.6), row(1, 0, 0)  # surplus (0.6, 0.1), oldest 0.9 against 1
PAIR = row(1, 0, 1)  # matched (0.6, 0.1) with (1, 0), or missing (1, 0)


@pytest.mark.parametrize(
    ("prob", "target", "options", "expected"),
    [
        (ISLAND, ALONE, {}, 0.5**2 + 2 * 0.1**2),
        (ISLAND, ALONE, {"essential": False}, 0.5**2),
        (ISLAND, ALONE, {"essential": False, "weights": (1, 3)}, 3 * 0.5**2),
        (ISLAND, ALONE, {"essential": False, "push_unmatched": True}, 2 * (0.6**2 + 0.9**2)),
        (ISLAND, ALONE, {"essential": False, "min_length": 0.5}, 0.0),
        (ISLAND, ALONE, {"essential": False, "min_length": 0.49}, 0.5**2),
        (ISLAND, PAIR, {"essential": False}, 2 * (0.4**2 + 0.1**2)),
        (ISLAND, PAIR, {"weights": (3, 1)}, 3 * 2 * (0.4**2 + 0.1**2 + 0.1**2)),
        # the background has one component: only its oldest pixel counts, 0.1 against 0
        (ISLAND, PAIR, {"filtration": "sublevel"}, 2 * 0.1**2),
        (ISLAND, PAIR, {"filtration": "both"}, 0.4**2 + 3 * 0.1**2),
        # a missing feature costs its length in the label, whatever the weights
        (row(0.9, 0.9, 0.9), PAIR, {"essential": False, "weights": (3, 3), "min_length": 9}, 1.0),
        # windows of two pixels: {0.9, 0.1} and {0.6}, each with an oldest component only
        (ISLAND, PAIR, {"window": 2}, 2 * 0.1**2 + 2 * 0.4**2),
    ],
)
def test_options(prob, target, options, expected) -> None:
    assert betti_matching_loss(prob, target, **options).item() == pytest.approx(expected)


def test_pushed_births_of_sublevel_sets_rise() -> None:
    # dark pixels 0.1 and 0.4 with a wall of 0.8 between; the label has one dark place
    prob = row(0.1, 0.8, 0.4).requires_grad_()
    options = {"filtration": "sublevel", "push_unmatched": True, "essential": False}
    loss = betti_matching_loss(prob, row(0, 1, 1), **options)
    assert loss.item() == pytest.approx(2 * (0.6**2 + 0.8**2))
    loss.backward()
    assert prob.grad.flatten().tolist() == pytest.approx([0, 4 * 0.8, -4 * 0.6])


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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filtration": "up"}, "superlevel, sublevel, both"),
        ({"construction": "W"}, "V, T"),
        ({"image_intervals": "some"}, "all, positive"),
        ({"window": 1}, r"window must be a whole number in \[2"),
        ({"weights": (1.0,)}, "matched and surplus"),
        ({"weights": (1.0, -1.0)}, "weights must lie in"),
        ({"threads": 0}, "threads must be a whole number"),
    ],
)
def test_options_are_checked(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        BettiMatchingLoss(**options)


@pytest.mark.at_hand
def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        BettiMatchingLoss()(torch.full((1, 1, 3, 3), torch.nan), torch.zeros(1, 3, 3).long())


def test_windows_of_volumes_may_differ_by_axis() -> None:
    prob = torch.rand(1, 1, 2, 8, 6, generator=torch.Generator().manual_seed(0))
    target = (prob > 0.5).float()
    whole = betti_matching_loss(prob, target, window=(2, 4, 6))
    parts = [
        betti_matching_loss(prob[..., k : k + 4, :], target[..., k : k + 4, :]) for k in (0, 4)
    ]
    torch.testing.assert_close(whole, parts[0] + parts[1])
    with pytest.raises(ValueError, match="one for each axis"):
        betti_matching_loss(prob, target, window=(4, 4))


def test_a_crop_is_a_box_drawn_by_the_generator_of_torch() -> None:
    prob = torch.rand(2, 1, 9, 8, 7, generator=torch.Generator().manual_seed(1)).requires_grad_()
    target = (prob > 0.6).float()
    seen = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        loss = betti_matching_loss(prob, target, crop=(4, 8, 3), window=4).sum()
        (grad,) = torch.autograd.grad(loss, prob)
        for row in grad[:, 0].abs():
            places = row.nonzero()
            assert (places.amax(0) - places.amin(0) < torch.tensor([4, 8, 3])).all()
        seen.append(grad)
    torch.testing.assert_close(seen[0], seen[1])
    assert (seen[0] != seen[2]).any()
    everything = betti_matching_loss(prob, target)
    torch.testing.assert_close(betti_matching_loss(prob, target, crop=9), everything)


def test_labels_that_come_again_are_remembered() -> None:
    prob = torch.rand(3, 1, 6, 7, 5, generator=torch.Generator().manual_seed(2))
    target = (torch.rand(1, 1, 6, 7, 5, generator=torch.Generator().manual_seed(3)) > 0.5).float()
    target = target.expand(3, 1, 6, 7, 5)
    loss = BettiMatchingLoss(remember=2, use_sigmoid=True)
    assert loss.form.remember == 2
    fresh = betti_matching_loss(prob, target)
    for _ in range(2):
        torch.testing.assert_close(betti_matching_loss(prob, target, remember=2), fresh)
    assert len(known_labels(2)._bars) == 1
    torch.testing.assert_close(
        betti_matching_loss(1 - prob, 1 - target, filtration="both", remember=2),
        betti_matching_loss(1 - prob, 1 - target, filtration="both"),
    )
