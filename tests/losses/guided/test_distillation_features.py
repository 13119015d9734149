"""Distillation of features, against the authors' program and a slow form."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    FeatureAffinityDistillationLoss,
    NormDirectionDistillationLoss,
    norm_direction_distillation_loss,
    pixel_affinity_distillation_loss,
)

WAVE = torch.arange(60.0).view(12, 5)
STUDENT, TEACHER = 2 * torch.sin(1.7 * WAVE), torch.cos(0.9 * WAVE) * (1 + WAVE / 20)
TARGET = torch.arange(12) % 3
BOTH: list[Any] = [FeatureAffinityDistillationLoss, NormDirectionDistillationLoss]


def test_number_of_the_authors() -> None:
    # DirectNormLoss(3) of WangYZ1608/Knowledge-Distillation-via-ND at fc6f3f9
    centres = torch.stack([TEACHER[c == TARGET].mean(0) for c in range(3)])
    found = norm_direction_distillation_loss(STUDENT, TEACHER, TARGET, centres)
    assert found.mean().item() == pytest.approx(0.924630880355835, rel=1e-6)


def test_length_pays_up_to_the_teachers_and_no_further() -> None:
    centres, target = torch.eye(3)[:2], torch.tensor([0, 0, 0, 1, -1])
    along = torch.tensor([[1.0], [2.0], [9.0], [1.0], [1.0]]) * torch.tensor([1.0, 0.0, 0.0])
    taught = torch.full((5, 3), 4.0 / 3**0.5)
    found = norm_direction_distillation_loss(along, taught, target, centres)
    # 1 - 1/4, 1 - 2/4, 0 whatever more; orthogonal; no label
    assert found.tolist() == pytest.approx([0.75, 0.5, 0.0, 1.0, 0.0])
    known = torch.tensor([False, True])
    none = norm_direction_distillation_loss(along, taught, target, centres, known)
    assert none.tolist() == pytest.approx([0.0, 0.0, 0.0, 1.0, 0.0])


@pytest.mark.parametrize("channels", [(3, 5), (40, 3)])
def test_affinities_in_linear_memory_are_those_of_all_pairs(channels: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(2, c, 5, 6, generator=generator) for c in channels)
    s, t = (F.normalize(each.flatten(2), dim=1).double() for each in (student, teacher))
    gap = torch.einsum("ncp,ncq->npq", s, s) - torch.einsum("ncp,ncq->npq", t, t)
    found = pixel_affinity_distillation_loss(student, teacher)
    torch.testing.assert_close(found.double(), gap.square().mean((1, 2)), rtol=1e-5, atol=1e-7)
    assert pixel_affinity_distillation_loss(3 * student, student).abs().max() < 1e-6
    # all pairs of these would take 32 GiB
    large = torch.randn(1, 3, 256, 362, generator=generator)
    assert 0 < pixel_affinity_distillation_loss(large, large.flip(2)) < 1


def maps(size: tuple[int, ...] = (6, 8)) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (2, *size), generator=generator)
    features, taught = (torch.randn(2, 4, *size, generator=generator) for _ in range(2))
    return torch.zeros(2, 3, *size), labels, features, taught


def test_centres_are_those_of_the_teacher() -> None:
    logits, labels, features, taught = maps()
    loss = NormDirectionDistillationLoss()
    with extra_inputs(features=features, teacher_features=taught):
        value = loss(logits, labels)
    rows, of_teacher = (each.movedim(1, -1).reshape(-1, 4) for each in (features, taught))
    kinds = labels.flatten()
    centres = torch.stack([of_teacher[kinds == c].mean(0) for c in range(3)])
    torch.testing.assert_close(loss.centres.means, centres)
    expected = norm_direction_distillation_loss(rows, of_teacher, kinds, centres)
    torch.testing.assert_close(value, expected.mean())
    with (
        extra_inputs(features=features, teacher_features=taught[:, :3]),
        pytest.raises(ValueError, match="got 4 of the student and 3 of the teacher"),
    ):
        loss(logits, labels)


@pytest.mark.parametrize("cls", BOTH)
def test_ignored_pixels_are_not_there(cls: Any) -> None:
    logits, labels, features, taught = maps()
    labels[:, 3:] = 255
    broken = features.clone()
    broken[:, :, 3:] = torch.nan
    broken.requires_grad_()
    with extra_inputs(features=broken, teacher_features=taught):
        value = cls()(logits, labels)
    value.backward()
    assert torch.isfinite(broken.grad).all()
    assert not broken.grad[:, :, 3:].any()
    with extra_inputs(features=features, teacher_features=taught):
        torch.testing.assert_close(cls()(logits, labels), value)
        torch.testing.assert_close(cls()(logits, labels % 3, weight=(labels != 255).float()), value)


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("size", [(3, 4), (2, 2, 3)])
def test_gradients(cls: Any, size: tuple[int, ...]) -> None:
    logits, labels, features, taught = maps(size)
    labels[0, 0, 0] = 255
    loss = cls().eval()

    def value(given: Tensor) -> Tensor:
        with extra_inputs(features=given, teacher_features=taught.double()):
            return loss(logits.double(), labels)

    assert torch.autograd.gradcheck(value, (features.double().requires_grad_(),))


@pytest.mark.parametrize("cls", BOTH)
def test_a_student_comes_near_its_teacher(cls: Any) -> None:
    torch.manual_seed(0)
    image = torch.randn(2, 2, 10, 10)
    labels = (image[:, 0] > 0).long() + (image[:, 1] > 0.5).long()
    teacher, student = nn.Conv2d(2, 6, 1), nn.Conv2d(2, 6, 3, padding=1)
    loss, values = cls(), []
    optimizer = torch.optim.Adam(student.parameters(), lr=0.05)
    for _ in range(30):
        features = student(image)
        with extra_inputs(features=features, teacher_features=teacher(image).detach()):
            value = loss(features[:, :3], labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]
