from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    HausdorffDTLoss,
    HausdorffErosionLoss,
    LogHausdorffDTLoss,
    hausdorff_dt_loss,
    hausdorff_erosion_loss,
    log_hausdorff_dt_loss,
)
from tests.goldens.published import inputs
from tests.reference.seg_inputs import LABELS, LOGITS

MASK = inputs("hausdorff")["target"][None, None].float()
PROB = inputs("hausdorff")["prob"]


def test_far_false_positive_counts_both_ways() -> None:
    # MMSegmentation measures one side only and gives 0.0078 for such a case
    target = torch.zeros(1, 1, 1, 8)
    target[..., 0] = 1
    prob = target.clone()
    prob[..., 7] = 1
    # at the wrong pixel: 7 from the label, 1 from its own boundary; (49 + 1) / 8
    assert hausdorff_dt_loss(prob, target).item() == 6.25


def test_perfect_prediction_of_three_classes_is_free() -> None:
    # MMSegmentation's HuasdorffDisstanceLoss gives 0.25: it compares p with the label's number
    perfect = 80.0 * torch.stack([c == LABELS for c in range(3)], 1) - 40.0
    for cls in (HausdorffDTLoss, LogHausdorffDTLoss, HausdorffErosionLoss):
        assert cls()(perfect, LABELS).item() == 0.0


def test_class_weights_are_taken() -> None:
    # MMSegmentation's asserts on the type of its class_weight
    loss = HausdorffDTLoss(class_weight=[0.0, 2.0, 2.0])
    torch.testing.assert_close(loss(LOGITS, LABELS), 2 * HausdorffDTLoss()(LOGITS, LABELS))


@pytest.mark.parametrize("label", [0, 1])
def test_opposite_of_a_constant_label_costs(label: int) -> None:
    # the formula alone gives 0: neither mask has a boundary
    prob = torch.full((1, 1, 4, 4), 0.6 if label == 0 else 0.4)
    target = torch.full((1, 1, 4, 4), float(label))
    torch.testing.assert_close(hausdorff_dt_loss(prob, target), torch.tensor([[0.36]]))
    assert hausdorff_dt_loss(1 - prob, target).item() == 0.0


def test_logarithm_of_one_image_and_class_is_the_class() -> None:
    value = log_hausdorff_dt_loss(PROB[:1, :1], MASK[:1, :1], alpha=1.0)
    logits = PROB[:1, :1].logit()
    loss = LogHausdorffDTLoss(alpha=1.0)
    torch.testing.assert_close(loss(logits, MASK[:1, 0].long()), value.squeeze())


def test_spacing_and_exponent() -> None:
    target = torch.tensor([[[[0.0, 1.0, 1.0, 0.0, 0.0]]]])
    prob = torch.tensor([[[[0.0, 1.0, 1.0, 0.0, 0.5]]]])
    # the wrong pixel: 0.25 (2^a + 2^a) / 5, pixels twice as wide: 4 instead of 2
    assert hausdorff_dt_loss(prob, target, alpha=1.0).item() == pytest.approx(0.2)
    assert hausdorff_dt_loss(prob, target, spacing=(1.0, 2.0)).item() == pytest.approx(1.6)


def test_thicker_errors_cost_more() -> None:
    empty = torch.zeros(1, 1, 16, 16)
    costs = []
    for size in (1, 2, 4, 6, 8):
        wrong = empty.clone()
        wrong[..., 4 : 4 + size, 4 : 4 + size] = 1
        costs.append(hausdorff_erosion_loss(wrong, empty).item())
    assert costs == sorted(costs)
    assert costs[0] == 0.0  # one pixel: 1/5 of its neighbourhood, below 1/2
    assert costs[4] > costs[1]


def test_erosion_works_on_volumes() -> None:
    # a 3 x 3 x 3 cube keeps its core pixel after one erosion: six neighbours and itself
    wrong = torch.zeros(1, 1, 5, 5, 5)
    wrong[..., 1:4, 1:4, 1:4] = 1
    value = hausdorff_erosion_loss(wrong, torch.zeros_like(wrong), erosions=1)
    # after the core (1): 6 face pixels 6/7 - 1/2, 12 edges 5/7 - 1/2, 8 corners 4/7 - 1/2, over 1/2
    expected = (1 + (6 * (6 / 7 - 0.5) + 12 * (5 / 7 - 0.5) + 8 * (4 / 7 - 0.5)) / 0.5) / 125
    torch.testing.assert_close(value, torch.tensor([[expected]]))


def _problem() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    prob = torch.rand(1, 2, 4, 5, generator=generator, dtype=torch.float64)
    target = (torch.rand(1, 2, 4, 5, generator=generator) > 0.5).double()
    return prob.requires_grad_(), target


def test_gradients() -> None:
    prob, target = _problem()
    assert torch.autograd.gradcheck(lambda p: hausdorff_dt_loss(p, target), prob)
    assert torch.autograd.gradcheck(lambda p: hausdorff_erosion_loss(p, target, erosions=3), prob)


def test_distances_are_constants_of_differentiation() -> None:
    prob, target = _problem()
    hausdorff_dt_loss(prob, target).sum().backward()
    shifted = prob.detach() + 1e-6  # the same side of 1/2
    field = hausdorff_dt_loss(shifted, target) / 1.0
    assert prob.grad is not None
    step = (prob.grad * 1e-6).sum()
    change = (field - hausdorff_dt_loss(prob.detach(), target)).sum()
    torch.testing.assert_close(change, step, rtol=1e-3, atol=1e-12)


def test_borders() -> None:
    with pytest.raises(ValueError, match=r"erosions must be a whole number in \[1"):
        HausdorffErosionLoss(erosions=0)
    with pytest.raises(ValueError, match="N, C, H, W"):
        hausdorff_erosion_loss(torch.zeros(1, 1, 4), torch.zeros(1, 1, 4))
    with pytest.raises(ValueError, match="spacing needs 2"):
        hausdorff_dt_loss(PROB, MASK, spacing=(1.0, 1.0, 1.0))
