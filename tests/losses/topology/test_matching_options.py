"""Options of Betti matching by hand: prices, windows, crops, memory."""

from __future__ import annotations

import pytest
import torch

from seglosses.losses import BettiMatchingLoss, betti_matching_loss
from seglosses.losses.topology.matched_features import known_labels


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
