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
)

# input of the goldens: a 6 x 8 mask with a 3 x 4 block and a corner pixel, and probabilities
MASK = torch.zeros(1, 1, 6, 8)
MASK[0, 0, 1:4, 2:6] = 1
MASK[0, 0, 5, 7] = 1
PROB = torch.tensor(
    [
        [0.125409, 0.480747, 0.536245, 0.774105, 0.393665, 0.0196, 0.52775, 0.205232],
        [0.741258, 0.388697, 0.380473, 0.909455, 0.39297, 0.348852, 0.34802, 0.480766],
        [0.093292, 0.546747, 0.921427, 0.562922, 0.74391, 0.947141, 0.842115, 0.744006],
        [0.813164, 0.820139, 0.253755, 0.481963, 0.342717, 0.261733, 0.571552, 0.317886],
        [0.618657, 0.582417, 0.104399, 0.442418, 0.389855, 0.706652, 0.088133, 0.168958],
        [0.512597, 0.404594, 0.665347, 0.332857, 0.197219, 0.931845, 0.243896, 0.147064],
    ]
)[None, None]  # fmt: skip

# three classes on 2 x 4 x 4 pixels, class 2 absent from the first image
LABELS = torch.tensor(
    [
        [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]],
        [[1, 1, 0, 2], [2, 0, 2, 2], [0, 1, 1, 0], [2, 2, 0, 0]],
    ]
)
LOGITS = torch.tensor(
    [
        [
            [
                [0.189, -0.198, 0.961, 0.157],
                [-0.804, 0.542, 1.956, 1.421],
                [-1.056, -1.898, -0.935, 0.062],
                [-3.488, -0.328, -1.869, -1.098],
            ],
            [
                [-0.816, -0.474, 0.617, 1.564],
                [-0.193, 2.05, -0.998, 0.527],
                [1.355, 0.141, -1.115, -1.383],
                [-0.687, 0.33, -1.514, -0.314],
            ],
            [
                [-0.239, 0.811, 0.322, 0.533],
                [-0.981, -0.194, 1.176, 2.24],
                [-1.889, 2.271, 2.019, 1.172],
                [0.397, -0.471, 2.187, 2.94],
            ],
        ],
        [
            [
                [2.702, 1.973, 0.536, -1.812],
                [-0.007, 0.985, -1.933, 0.593],
                [0.645, 1.044, -1.776, -0.993],
                [-0.655, -1.755, 2.609, -0.744],
            ],
            [
                [0.493, -0.388, 2.375, 1.981],
                [0.95, -3.305, 0.078, 1.026],
                [1.506, -0.927, 2.733, -1.981],
                [-0.992, 1.403, 0.074, 3.004],
            ],
            [
                [0.283, -0.95, -0.566, -1.637],
                [-1.917, 0.946, 0.872, 1.942],
                [-1.132, 2.534, -0.431, 2.362],
                [-0.649, -1.103, 0.375, 1.547],
            ],
        ],
    ]
)


def test_published_value() -> None:
    # MONAI HausdorffDTLoss and SilmarilBearer/HausdorffLoss agree on it
    assert hausdorff_dt_loss(PROB, MASK).item() == pytest.approx(0.9675874, abs=1e-5)


def test_published_values_of_several_classes() -> None:
    # MONAI HausdorffDTLoss and LogHausdorffDTLoss, softmax=True, without background
    assert HausdorffDTLoss()(LOGITS, LABELS).item() == pytest.approx(0.8034136, abs=2e-6)
    assert LogHausdorffDTLoss()(LOGITS, LABELS).item() == pytest.approx(0.5896813, abs=2e-6)


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


def test_spacing_and_exponent() -> None:
    target = torch.tensor([[[[0.0, 1.0, 1.0, 0.0, 0.0]]]])
    prob = torch.tensor([[[[0.0, 1.0, 1.0, 0.0, 0.5]]]])
    # the wrong pixel: 0.25 (2^a + 2^a) / 5, pixels twice as wide: 4 instead of 2
    assert hausdorff_dt_loss(prob, target, alpha=1.0).item() == pytest.approx(0.2)
    assert hausdorff_dt_loss(prob, target, spacing=(1.0, 2.0)).item() == pytest.approx(1.6)


def test_published_erosion_value() -> None:
    # kornia HausdorffERLoss on the two channels of the same input
    prob, target = torch.cat([1 - PROB, PROB], 1), torch.cat([1 - MASK, MASK], 1)
    value = hausdorff_erosion_loss(prob, target).mean()
    torch.testing.assert_close(value, torch.tensor(0.02083333395421505))


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
    with pytest.raises(ValueError, match="at least 1"):
        HausdorffErosionLoss(erosions=0)
    with pytest.raises(ValueError, match="N, C, H, W"):
        hausdorff_erosion_loss(torch.zeros(1, 1, 4), torch.zeros(1, 1, 4))
    with pytest.raises(ValueError, match="spacing needs 2"):
        hausdorff_dt_loss(PROB, MASK, spacing=(1.0, 1.0, 1.0))
