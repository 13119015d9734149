from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from seglosses.losses import DiceLoss
from seglosses.openmmlab.hooks import LossWeightSchedule


class Foreign(nn.Module):
    """A loss of another library: no loss_name."""

    def __init__(self):
        super().__init__()
        self.loss_weight = 2.0


def runner_of(model, max_iters=10):
    hub = MessageHub.get_instance("schedule")
    return SimpleNamespace(model=model, iter=0, max_iters=max_iters, message_hub=hub)


def weights_during(schedule, runner, loss, iterations):
    schedule.before_train(runner)
    seen = []
    for iteration in iterations:
        runner.iter = iteration
        schedule.before_train_iter(runner, 0)
        seen.append(loss.loss_weight)
    return seen


def test_constant_weight_stays():
    loss = DiceLoss(loss_weight=0.5)
    seen = weights_during(LossWeightSchedule("loss_dice"), runner_of(loss), loss, range(3))
    assert seen == [0.5, 0.5, 0.5]


def test_start_and_warm_up():
    loss = DiceLoss(loss_weight=0.5)
    schedule = LossWeightSchedule("loss_dice", start=0.5, warmup=0.2)
    seen = weights_during(schedule, runner_of(loss), loss, range(4, 10))
    # off until 5 of 10, half of 0.5 at 6 (0.1 of 0.2 of the way), whole from 7
    assert seen == pytest.approx([0.0, 0.0, 0.25, 0.5, 0.5, 0.5])


def test_a_resumed_training_goes_on_where_it_was():
    whole, resumed = DiceLoss(), DiceLoss()
    options = {"start": 0.2, "warmup": 0.6}
    seen = weights_during(
        LossWeightSchedule("loss_dice", **options), runner_of(whole), whole, range(10)
    )
    after = weights_during(
        LossWeightSchedule("loss_dice", **options), runner_of(resumed), resumed, range(4, 10)
    )
    assert after == seen[4:]


def test_only_the_named_losses_change_wherever_they_sit():
    model = nn.ModuleDict({"a": DiceLoss(), "b": nn.ModuleList([DiceLoss(loss_name="loss_b")])})
    runner = runner_of(model)
    LossWeightSchedule("loss_b", start=1.0).before_train(runner)
    schedule = LossWeightSchedule("loss_b", start=1.0)
    schedule.before_train(runner)
    schedule.before_train_iter(runner, 0)
    assert (model["a"].loss_weight, model["b"][0].loss_weight) == (1.0, 0.0)


def test_losses_of_other_libraries_go_by_their_class():
    loss = Foreign()
    seen = weights_during(LossWeightSchedule("Foreign", start=0.1), runner_of(loss), loss, (0, 1))
    assert seen == [0.0, 2.0]


def test_the_weight_reaches_the_value():
    loss = DiceLoss()
    logits, labels = torch.zeros(1, 2, 4, 4), torch.ones(1, 4, 4, dtype=torch.int64)
    whole = float(loss(logits, labels))
    weights_during(LossWeightSchedule("loss_dice", warmup=1.0), runner_of(loss), loss, (5,))
    assert float(loss(logits, labels)) == pytest.approx(whole / 2)


def test_weights_are_given_back_after_training():
    loss = DiceLoss(loss_weight=3.0)
    schedule, runner = LossWeightSchedule("loss_dice", start=1.0), runner_of(loss)
    weights_during(schedule, runner, loss, (0,))
    schedule.after_train(runner)
    assert loss.loss_weight == 3.0


def test_unknown_loss_is_named_with_what_there_is():
    with pytest.raises(ValueError, match=r"no loss named 'loss_x'.*\['loss_dice'\]"):
        LossWeightSchedule("loss_x").before_train(runner_of(DiceLoss()))


@pytest.mark.parametrize("options", [{"start": -0.1}, {"warmup": 500}])
def test_fractions_are_checked(options):
    with pytest.raises(ValueError, match="Divide iterations by max_iters"):
        LossWeightSchedule("loss_dice", **options)
