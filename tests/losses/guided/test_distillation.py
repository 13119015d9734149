from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    BoundaryDistillationLoss,
    BranchConsistencyLoss,
    JaccardDistillationLoss,
    JaccardMetricLoss,
    KLDistillationLoss,
    boundary_distillation_loss,
    branch_consistency_loss,
    kl_distillation_loss,
)

TAUGHT = (KLDistillationLoss, JaccardDistillationLoss, BoundaryDistillationLoss)
ALL = (*TAUGHT, BranchConsistencyLoss)


def _call(loss: nn.Module, pred: Tensor, labels: Tensor, other: Tensor) -> Tensor:
    with extra_inputs(**{type(loss).needs[0]: other}):
        return loss(pred, labels)


def _problem(
    channels: int = 3, spatial: tuple[int, ...] = (8, 10)
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred = torch.randn(2, channels, *spatial, generator=generator)
    other = torch.randn(2, channels, *spatial, generator=generator)
    labels = torch.zeros(2, *spatial, dtype=torch.long)
    labels[..., 2:5, 3:7] = 1
    return pred, labels, other


def test_kl_by_hand() -> None:
    # student (1/2, 1/2), teacher (3/4, 1/4)
    student = torch.zeros(1, 2, 1, 1)
    teacher = torch.tensor([3.0, 1.0]).log().view(1, 2, 1, 1)
    labels = torch.zeros(1, 1, 1, dtype=torch.long)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert _call(KLDistillationLoss(), student, labels, teacher).item() == pytest.approx(expected)
    # one channel: the logit is the difference of the two
    one = _call(
        KLDistillationLoss(),
        torch.zeros(1, 1, 1, 1),
        labels,
        -torch.tensor(3.0).log().view(1, 1, 1, 1),
    )
    assert one.item() == pytest.approx(expected)
    # at T = 2 the teacher is (sqrt 3, 1) / (1 + sqrt 3), and the loss is multiplied by 4
    q = 3**0.5 / (1 + 3**0.5)
    expected = 4 * (q * math.log(2 * q) + (1 - q) * math.log(2 * (1 - q)))
    hot = _call(KLDistillationLoss(temperature=2.0), student, labels, teacher)
    assert hot.item() == pytest.approx(expected, rel=1e-5)


def test_kl_agrees_with_torch() -> None:
    pred, labels, teacher = _problem()
    ours = _call(KLDistillationLoss(temperature=3.0), pred, labels, teacher)
    theirs = (
        9
        * F.kl_div(
            (pred / 3).log_softmax(1),
            (teacher / 3).log_softmax(1),
            log_target=True,
            reduction="none",
        )
        .sum(1)
        .mean()
    )
    torch.testing.assert_close(ours, theirs)
    pixels = kl_distillation_loss(pred, teacher, temperature=3.0)
    torch.testing.assert_close(pixels.mean(), theirs)


def test_jaccard_distillation_is_the_metric_loss_of_soft_labels() -> None:
    pred, labels, teacher = _problem()
    for alpha in (1.0, 0.5):
        ours = _call(JaccardDistillationLoss(alpha=alpha, beta=alpha), pred, labels, teacher)
        theirs = JaccardMetricLoss(alpha=alpha, beta=alpha)(pred, teacher.softmax(1))
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("spatial", [(8, 10), (3, 8, 10)])
def test_agreement_costs_nothing_and_disagreement_something(
    cls: type[nn.Module], channels: int, spatial: tuple[int, ...]
) -> None:
    pred, labels, other = _problem(channels, spatial)
    leaf = pred.clone().requires_grad_()
    same = _call(cls(), leaf, labels, pred)
    same.backward()
    assert same.item() == pytest.approx(0.0, abs=1e-5)
    assert leaf.grad is not None
    assert leaf.grad.abs().max() < 1e-5
    assert _call(cls(), pred, labels, other) > 0.01


@pytest.mark.parametrize("cls", ALL)
def test_ignored_pixels_do_not_matter(cls: type[nn.Module]) -> None:
    pred, labels, other = _problem()
    labels[:, 0] = 255
    noise = 9 * (labels == 255).unsqueeze(1)
    leaf = pred.clone().requires_grad_()
    value = _call(cls(), leaf, labels, other)
    value.backward()
    assert torch.equal(value, _call(cls(), pred + noise, labels, other - noise))
    assert leaf.grad is not None
    assert leaf.grad[:, :, 0].abs().max() == 0
    nothing = _call(cls(), leaf, torch.full_like(labels, 255), other)
    assert nothing.item() == 0.0
    assert nothing.requires_grad


@pytest.mark.parametrize("cls", ALL)
def test_stays_finite(cls: type[nn.Module]) -> None:
    pred, labels, other = _problem()
    for strength in (40.0, 1e4):
        leaf = (strength * pred.sign()).requires_grad_()
        value = _call(cls(), leaf, labels, -strength * other.sign())
        value.backward()
        assert torch.isfinite(value)
        assert leaf.grad is not None
        assert torch.isfinite(leaf.grad).all()


@pytest.mark.parametrize("cls", ALL)
def test_half_precision_agrees(cls: type[nn.Module]) -> None:
    pred, labels, other = _problem()
    pred, other = pred.half(), other.half()
    half = _call(cls(), pred, labels, other)
    torch.testing.assert_close(half, _call(cls(), pred.float(), labels, other.float()))


@pytest.mark.parametrize("cls", TAUGHT)
def test_teachers_get_no_gradient_and_may_be_smaller(cls: type[nn.Module]) -> None:
    pred, labels, other = _problem()
    teacher = other[..., ::2, ::2].clone().requires_grad_()
    value = _call(cls(), pred.requires_grad_(), labels, teacher)
    value.backward()
    assert teacher.grad is None
    full = F.interpolate(teacher.detach(), labels.shape[1:], mode="bilinear", align_corners=False)
    torch.testing.assert_close(value, _call(cls(), pred, labels, full))


def test_both_branches_learn() -> None:
    pred, labels, other = _problem()
    value = _call(BranchConsistencyLoss(), pred.requires_grad_(), labels, other.requires_grad_())
    value.backward()
    assert pred.grad.abs().max() > 0
    assert other.grad.abs().max() > 0


def test_branch_consistency_by_hand() -> None:
    p = torch.tensor([[[1.0, 0.5], [0.0, 0.0]]])
    q = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(branch_consistency_loss(p, q), torch.tensor([[0.2, 0.0]]))


def test_boundary_distillation_by_hand() -> None:
    # one image of two pixels and two classes; the band of class 0 is the first pixel
    z = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    t = torch.zeros(1, 2, 2)
    edges = torch.tensor([[[True, False], [False, False]]])
    loss = boundary_distillation_loss(
        z, t, edges, temperature=1.0, edge_weight=1.0, body_weight=1.0
    )
    # KL of (1/2, 1/2) from (e, 1) / (1 + e), over classes at the band and over pixels in the body
    p = math.e / (1 + math.e)
    kl = -0.5 * math.log(2 * p) - 0.5 * math.log(2 * (1 - p))
    # class 0: its band; the rest of its logits is zero. class 1: all body, equal logits
    torch.testing.assert_close(loss, torch.tensor([[kl, 0.0]]))
    none = boundary_distillation_loss(
        z, t, edges & False, temperature=1.0, edge_weight=1.0, body_weight=1.0
    )
    torch.testing.assert_close(none, torch.tensor([[kl / 2, 0.0]]))


@pytest.mark.parametrize("cls", TAUGHT)
def test_borders(cls: type[nn.Module]) -> None:
    pred, labels, other = _problem()
    with pytest.raises(ValueError, match="needs a teacher's logits"):
        cls()(pred, labels)
    with pytest.raises(ValueError, match="temperature must lie in"):
        cls(temperature=0.0)
    with pytest.raises(ValueError, match="expected"):
        _call(cls(), pred, labels, other[:, :2])


def test_independent_channels() -> None:
    pred, labels, other = _problem()
    value = _call(KLDistillationLoss(use_sigmoid=True), pred, labels, other)
    assert torch.isfinite(value)
    with pytest.raises(ValueError, match="KLDistillationLoss"):
        _call(BoundaryDistillationLoss(use_sigmoid=True), pred, labels, other)


@pytest.mark.parametrize("cls", [BoundaryDistillationLoss, KLDistillationLoss])
def test_gradient(cls: type[nn.Module]) -> None:
    pred, labels, other = _problem(3, (4, 5))
    assert torch.autograd.gradcheck(
        lambda p: _call(cls(), p, labels, other.double()), pred.double().requires_grad_()
    )
