"""What stands in for further inputs lets every loss take images of any number of classes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from seglosses.catalogue import loss_classes
from seglosses.laws.stand_ins import StandIn
from seglosses.losses.rows import BoxLoss

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from gradients import wall

LOSSES = [cls for cls in loss_classes().values() if not issubclass(cls, BoxLoss)]


@pytest.mark.parametrize("channels", [2, 3])
@pytest.mark.parametrize("cls", LOSSES, ids=lambda cls: cls.__name__)
def test_every_loss_sees_something_wrong_with_a_wall(cls: type, channels: int) -> None:
    label, logits, _ = wall()
    logits = torch.nn.functional.pad(logits, (0, 0) * 2 + (0, channels - 2), value=-20.0)
    logits.requires_grad_()
    value = StandIn(cls())(logits, label)
    (grad,) = torch.autograd.grad(value.sum(), logits)
    assert torch.isfinite(value).all()
    assert torch.isfinite(grad).all()
    assert grad[0, 1].any()
