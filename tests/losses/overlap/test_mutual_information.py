"""Region mutual information, against the authors' program."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.losses import RMILoss, rmi_loss
from seglosses.primitives.encoding import one_hot

LOGITS = 2 * torch.sin(1.7 * torch.arange(2 * 3 * 20 * 23.0)).view(2, 3, 20, 23)
LABELS = (torch.arange(2 * 20 * 23).view(2, 20, 23) * 7 // 50) % 3


def test_lower_bound_of_its_authors() -> None:
    # rmi_lower_bound of ZJULearning/RMI at 10a40cd, of sigmoid and one-hot maps, classes summed
    found = rmi_loss(LOGITS.sigmoid(), one_hot(LABELS, 3)).mean(0).sum()
    assert found.item() == pytest.approx(PUBLISHED, rel=1e-5)


PUBLISHED = 1.0809071


def test_information_of_one_variable() -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.rand(1, 1, 40, 40, generator=generator)
    p = 0.5 * y + 0.1 * torch.rand(1, 1, 40, 40, generator=generator)
    # what is left of the sum of squares when p is known: (1 - r^2) of it
    r = torch.corrcoef(torch.stack([p.flatten(), y.flatten()]))[0, 1]
    left = (1 - r**2) * (y - y.mean()).square().sum()
    value = rmi_loss(p, y, radius=1, pool=1).item()
    assert value == pytest.approx(math.log(left) / 2, abs=1e-3)


def test_a_better_prediction_leaves_less() -> None:
    values = [RMILoss()(factor * one_hot(LABELS, 3), LABELS).item() for factor in (-4, 0, 1, 4)]
    # what is inverted tells as much; what is constant tells nothing
    assert values[3] < values[2] < values[1]


@pytest.mark.parametrize("size", [(9, 10), (4, 7, 7)])
def test_gradients(size: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(1, 2, *size, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 2, (1, *size), generator=generator)
    labels[0, 0] = 255
    assert torch.autograd.gradcheck(lambda z: RMILoss()(z, labels), (logits,), atol=1e-4)


def test_images_smaller_than_a_window() -> None:
    for size in ((1, 1), (2, 9), (5, 1)):
        logits = torch.randn(1, 2, *size, requires_grad=True)
        RMILoss()(logits, torch.ones(1, *size, dtype=torch.long)).backward()
        assert torch.isfinite(logits.grad).all()
