"""A loss weight as a schedule: its values, its border, and what a loss makes of it."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from seglosses.losses import CIoULoss, DiceLoss, DistributionFocalLoss, QualityFocalLoss
from seglosses.losses.schedule import WeightSchedule

SCHEDULE = {"value": 0.5, "start": 0.5, "warmup": 0.25}


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(1, 2, 4, 4), torch.ones(1, 4, 4, dtype=torch.long)


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({"value": 3.0}, [3.0, 3.0, 3.0, 3.0, 3.0]),  # constant
        ({"value": 2.0, "warmup": 1.0}, [0.0, 0.5, 1.0, 1.5, 2.0]),  # linear from the beginning
        ({"start": 0.5}, [0.0, 0.0, 1.0, 1.0, 1.0]),  # a step at half
        ({"value": 4.0, "start": 0.25, "warmup": 0.5}, [0.0, 0.0, 2.0, 4.0, 4.0]),
        ({"value": 0.01, "initial": 1.0, "warmup": 1.0}, [1.0, 0.7525, 0.505, 0.2575, 0.01]),
        ({"value": 0.99, "initial": 0.0, "warmup": 1.0}, [0.0, 0.2475, 0.495, 0.7425, 0.99]),
        ({"value": 0.0, "initial": 2.0, "start": 0.5}, [2.0, 2.0, 0.0, 0.0, 0.0]),  # a step down
        ({"value": 1.0, "initial": 3.0, "start": 0.25, "warmup": 0.5}, [3.0, 3.0, 2.0, 1.0, 1.0]),
    ],
)
def test_weights_at_quarters_of_the_training(options, weights) -> None:
    loss = DiceLoss(loss_weight=options)
    seen = []
    for quarter in range(5):
        loss.set_progress(quarter / 4)
        seen.append(loss.loss_weight)
    assert seen == pytest.approx(weights)


def test_outside_of_a_training_the_weight_is_whole() -> None:
    loss = DiceLoss(loss_weight=SCHEDULE)
    assert loss.loss_weight == 0.5
    assert loss.weight_schedule == WeightSchedule(**SCHEDULE)
    loss.set_progress(0.0)
    assert loss.loss_weight == 0.0
    loss.set_progress(None)
    assert loss.loss_weight == 0.5


def test_a_schedule_pickled_before_there_were_initial_weights() -> None:
    old = WeightSchedule.__new__(WeightSchedule)
    vars(old).update(value=2.0, start=0.5, warmup=0.5)
    assert [old.weight(p) for p in (0.0, 0.75, 1.0)] == [0.0, 1.0, 2.0]


def test_a_number_is_no_schedule() -> None:
    loss = DiceLoss(loss_weight=3)
    loss.set_progress(0.0)
    assert (loss.loss_weight, loss.weight_schedule) == (3, None)
    assert "schedule" not in repr(loss)


def test_the_weight_scales_value_and_gradient() -> None:
    pred, target = batch()
    pred.requires_grad_()
    plain, scheduled = DiceLoss(), DiceLoss(loss_weight=SCHEDULE)
    scheduled.set_progress(0.625)  # half of the growth to 0.5
    value, whole = scheduled(pred, target), plain(pred, target)
    torch.testing.assert_close(value, whole / 4)
    torch.testing.assert_close(*(torch.autograd.grad(v, pred)[0] for v in (value * 4, whole)))


BOXES = torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])
SCORED = (torch.tensor([0]), torch.tensor([0.5]))


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (DiceLoss, batch()),
        (CIoULoss, BOXES),
        (QualityFocalLoss, (torch.zeros(1, 2), SCORED)),
        (DistributionFocalLoss, (torch.zeros(1, 4), torch.tensor([1.5]))),
    ],
)
def test_a_schedule_that_nothing_applies_does_not_train(cls, arguments) -> None:
    loss = cls(loss_weight=SCHEDULE)
    with pytest.raises(ValueError, match=r"seglosses\.LossWeightSchedule"):
        loss(*arguments)
    whole = loss.eval()(*arguments)
    loss.train().set_progress(0.75)
    torch.testing.assert_close(loss(*arguments), whole)
    loss.set_progress(None)
    with pytest.raises(ValueError, match="nothing applies"):
        loss(*arguments)


def test_repr_copies_and_checkpoints_keep_the_schedule() -> None:
    loss = DiceLoss(loss_weight=SCHEDULE)
    loss.set_progress(0.625)
    assert "loss_weight={'value': 0.5, 'start': 0.5, 'warmup': 0.25, 'initial': 0.0}" in repr(loss)
    assert "weight_schedule" not in repr(loss)
    assert not loss.state_dict()
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert repr(other) == repr(loss)
        torch.testing.assert_close(other(*batch()), loss(*batch()))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (
            {"value": 1.0, "warm_up": 0.1},
            r"\['value', 'start', 'warmup', 'initial', 'share'\], got \['warm_up'\]",
        ),
        ({"start": 1.5}, "Divide iterations by max_iters"),
        ({"warmup": -0.1}, r"warmup in \[0, 1\]"),
        ({"value": float("nan")}, "finite number as value"),
        ({"initial": float("inf"), "warmup": 1.0}, "finite number as initial"),
        ({"initial": "low"}, "finite number as initial"),
        ({"value": 0.01, "initial": 1.0}, r"a start or a warmup beside initial=1.0.*warmup=1.0"),
        ({"start": "half"}, "finite number as start"),
        ([0.5, 0.7], "a number or a schedule"),
        ("0.5", "a number or a schedule"),
    ],
)
def test_border(weight, message) -> None:
    with pytest.raises(ValueError, match=message):
        DiceLoss(loss_weight=weight)


def test_progress_is_a_fraction() -> None:
    with pytest.raises(ValueError, match="Divide iterations"):
        DiceLoss(loss_weight=SCHEDULE).set_progress(40)
