"""Ordered classes, trees of classes, and who may touch whom."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional as F

from seglosses.losses import (
    HierarchicalCrossEntropyLoss,
    InteractionCrossEntropyLoss,
    SquaredEMDLoss,
    hierarchical_cross_entropy_loss,
    interaction_cross_entropy_loss,
    interaction_errors,
    squared_emd_loss,
)

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(2, 5, 8, 9, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.randint(0, 5, (2, 8, 9), generator=GENERATOR)
HOT = F.one_hot(LABELS, 5).movedim(-1, 1).double()


def test_a_near_miss_costs_less_than_a_far_one() -> None:
    sure = torch.tensor([[[9.0], [-9], [-9], [-9]]], dtype=torch.float64)
    costs = [squared_emd_loss(sure, torch.tensor([[k]])).item() for k in range(4)]
    assert costs == pytest.approx([0, 1, 2, 3], abs=1e-6)


def test_the_true_probabilities_are_best() -> None:
    true = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64).view(1, 3, 1)
    logits = true.log().requires_grad_()
    each = [squared_emd_loss(logits, torch.tensor([[k]])).sum() * true[0, k, 0] for k in range(3)]
    (slope,) = torch.autograd.grad(torch.stack(each).sum(), logits)
    assert slope.abs().max() < 1e-12


@pytest.mark.parametrize(
    "loss",
    [
        squared_emd_loss,
        lambda z, t: hierarchical_cross_entropy_loss(z, t, groups=[[[0, 3]], [[0, 3, 1], [2, 4]]]),
        lambda z, t: interaction_cross_entropy_loss(z, t, exclusion=[(1, 2)]),
    ],
)
def test_labels_and_dense_targets_agree_and_gradients_hold(loss) -> None:
    torch.testing.assert_close(loss(LOGITS, LABELS), loss(LOGITS, HOT))
    few = LOGITS[:1, :, :2, :2].clone().requires_grad_()
    assert gradcheck(lambda z: loss(z, LABELS[:1, :2, :2]), few)


def test_a_sibling_is_a_small_mistake() -> None:
    groups = [[[0, 1], [2, 3]], [[0, 1, 2, 3]]]
    p = torch.tensor([0.1, 0.2, 0.3, 0.15, 0.25], dtype=torch.float64)
    logits = p.log().view(1, 5, 1)
    loss = hierarchical_cross_entropy_loss(logits, torch.tensor([[2]]), groups=groups, decay=0.5)
    levels = p[2].log() + 0.5 * (p[2] + p[3]).log() + 0.25 * p[:4].sum().log()
    assert loss.item() == pytest.approx(-levels.item())
    lone = hierarchical_cross_entropy_loss(logits, torch.tensor([[4]]), groups=groups, decay=0.5)
    assert lone.item() == pytest.approx(-1.75 * p[4].log().item())
    flat = hierarchical_cross_entropy_loss(LOGITS, LABELS)
    torch.testing.assert_close(flat, F.cross_entropy(LOGITS, LABELS, reduction="none"))


def test_errors_equal_topointeraction() -> None:
    # TI_Loss(2, 8, inclusion=[[1, 2]], exclusion=[[2, 3], [3, 4]]) of TopoXLab/TopoInteraction
    # 1d8d6eb on these logits: the sum of CE at critical pixels, a mean over images
    pairs = {"inclusion": [(1, 2)], "exclusion": [(2, 3), (3, 4)]}
    wrong = interaction_errors(LOGITS.argmax(1), **pairs)
    assert int(wrong.sum()) == 117
    plain = F.cross_entropy(LOGITS, LABELS, reduction="none")
    boosted = interaction_cross_entropy_loss(LOGITS, LABELS, boost=3, **pairs)
    published = (boosted - plain).sum() / 3 / 2
    assert published.item() == pytest.approx(117.76175172, rel=1e-6)


def test_containment_in_volumes() -> None:
    labels = torch.zeros(1, 5, 5, 5, dtype=torch.long)
    labels[:, 1:4, 1:4, 1:4] = 2
    labels[:, 2, 2, 2] = 1
    assert not interaction_errors(labels, inclusion=[(1, 2)]).any()
    labels[:, 3, 2, 2] = 1  # its own neighbourhood reaches the outside
    wrong = interaction_errors(labels, inclusion=[(1, 2)])
    assert wrong[0, 3, 2, 2]
    assert int(wrong.sum()) == 1 + 9
    assert interaction_errors(labels, exclusion=[(0, 1)], thickness=2).sum() > wrong.sum()


@pytest.mark.parametrize("pairs", [{"exclusion": [(0, 1), (2, 3)]}, {"inclusion": [(1, 2)]}])
@pytest.mark.parametrize("sigmoid", [False, True])
def test_ignored_pixels_touch_nothing(
    pairs: dict, sigmoid: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, labels = LOGITS[:, :4], LABELS % 4
    if sigmoid:
        logits, labels, pairs = logits[:, :1], labels % 2, {"exclusion": [(0, 1)]}
    labels = labels.clone()
    labels[:, 2:5, 3:7] = 255
    shown = labels != 255
    whole = torch.cat([0 * logits, logits], 1) if sigmoid else logits
    seen = whole.argmax(1).where(shown, torch.tensor(-1))
    wrong = interaction_errors(seen, **pairs)
    each = F.cross_entropy(whole, labels, ignore_index=255, reduction="none")
    expected = ((1 + wrong.double()) * each).sum() / shown.sum()
    loss = InteractionCrossEntropyLoss(**pairs)
    for value in (0.0, 7.0, torch.nan):
        given = logits.masked_fill(~shown.unsqueeze(1), value)
        torch.testing.assert_close(loss(given, labels), expected)
        with monkeypatch.context() as patch:
            patch.setattr("seglosses.primitives.device.HOSTS", frozenset())
            torch.testing.assert_close(loss(given, labels), expected)


def test_errors() -> None:
    with pytest.raises(ValueError, match="share no leaf"):
        HierarchicalCrossEntropyLoss(groups=[[[0, 1], [1, 2]]])(LOGITS, LABELS)
    with pytest.raises(ValueError, match="classes from 0 to 4"):
        InteractionCrossEntropyLoss(exclusion=[(0, 5)])(LOGITS, LABELS)
    with pytest.raises(ValueError, match="thickness"):
        InteractionCrossEntropyLoss(thickness=0)
    assert SquaredEMDLoss()(LOGITS, LABELS).item() == pytest.approx(
        squared_emd_loss(LOGITS, LABELS).mean().item()
    )
