from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from seglosses.hosts.openmmlab.checkpoints import trust_own_checkpoints
from seglosses.hosts.openmmlab.hooks import LossWeightSchedule
from seglosses.losses import CrossEntropyLoss, DiceLoss


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


def test_a_weight_of_any_library_can_fall():
    loss = Foreign()
    schedule = LossWeightSchedule("Foreign", start=0.2, warmup=0.4, initial=3.0)
    seen = weights_during(schedule, runner_of(loss), loss, (0, 2, 4, 6, 9))
    # three times its weight of 2 until 2 of 10, twice at half of the way, once from 6 on
    assert seen == pytest.approx([6.0, 6.0, 4.0, 2.0, 2.0])
    schedule.after_train(runner_of(loss))
    assert loss.loss_weight == 2.0


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


def head_of(*losses):
    head = nn.Module()
    head.loss_decode = losses[0] if len(losses) == 1 else nn.ModuleList(losses)
    return head


@pytest.mark.parametrize("own", [False, True])
def test_each_of_several_losses_of_a_name_has_a_key(own):
    def loss(value):
        return DiceLoss(loss_weight={"value": value, "start": 0.5} if own else value)

    model = nn.Module()
    model.decode_head = head_of(loss(1.0), CrossEntropyLoss())
    model.auxiliary_head = nn.ModuleList([head_of(loss(0.4)), head_of(loss(0.2), loss(0.1))])
    hub = MessageHub.get_instance(f"keys_{own}")
    runner = SimpleNamespace(model=model, iter=5, max_iters=10, message_hub=hub)
    schedule = LossWeightSchedule() if own else LossWeightSchedule("loss_dice", start=0.5)
    schedule.before_train(runner)
    schedule.before_train_iter(runner, 0)
    start = "train/loss_weight/"
    assert {key.removeprefix(start): value.current() for key, value in hub.log_scalars.items()} == {
        "decode_head.loss_dice": 1.0,
        "auxiliary_head.0.loss_dice": 0.4,
        "auxiliary_head.1.loss_dice.0": 0.2,
        "auxiliary_head.1.loss_dice.1": 0.1,
    }


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


def test_without_a_name_it_serves_every_loss_with_a_schedule():
    late = DiceLoss(loss_weight={"value": 2.0, "start": 0.5}, loss_name="loss_late")
    grown = DiceLoss(loss_weight={"value": 4.0, "warmup": 1.0}, loss_name="loss_grown")
    model = nn.ModuleList([late, nn.ModuleList([grown]), DiceLoss(loss_weight=7.0), Foreign()])
    schedule, runner = LossWeightSchedule(), runner_of(model)
    losses = (late, grown, *model[2:])
    seen = []
    schedule.before_train(runner)
    for runner.iter in (0, 4, 5):
        schedule.before_train_iter(runner, 0)
        seen.append([loss.loss_weight for loss in losses])
    assert seen == [[0.0, 0.0, 7.0, 2.0], [0.0, 1.6, 7.0, 2.0], [2.0, 2.0, 7.0, 2.0]]
    assert runner.message_hub.get_scalar("train/loss_weight/loss_grown").current() == 2.0
    schedule.after_train(runner)
    assert [loss.loss_weight for loss in losses] == [2.0, 4.0, 7.0, 2.0]


def test_a_model_without_schedules_needs_no_change_of_hooks():
    loss = DiceLoss(loss_weight=3.0)
    assert weights_during(LossWeightSchedule(), runner_of(loss), loss, (0, 5)) == [3.0, 3.0]


def test_two_schedules_of_one_loss_are_refused():
    loss = DiceLoss(loss_weight={"start": 0.5})
    with pytest.raises(ValueError, match="leave out the hook's arguments"):
        LossWeightSchedule("loss_dice", warmup=0.1).before_train(runner_of(loss))


def test_a_late_start_needs_a_loss():
    with pytest.raises(ValueError, match="expected the `loss` that starts late"):
        LossWeightSchedule(start=0.5)


class Tiny(BaseModel):
    """Logits as the only parameters, a loss whose weight falls and one that starts late."""

    def __init__(self):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(1, 2, 4, 4))
        self.losses = nn.ModuleList(
            [
                DiceLoss(loss_weight={"value": 0.25, "initial": 1.25, "warmup": 1.0}),
                CrossEntropyLoss(loss_weight={"value": 0.5, "start": 0.25, "warmup": 0.5}),
            ]
        )

    def forward(self, inputs, mode="loss"):
        return {loss.loss_name: loss(self.logits, inputs) for loss in self.losses}


class Record(Hook):
    """The weights with which each iteration was done."""

    def __init__(self):
        self.seen = {}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen[runner.iter] = [loss.loss_weight for loss in runner.model.losses]


def train(folder, name, *hooks, resume_from=None):
    """Eight iterations of a real Runner, checkpoints every three."""
    label = torch.ones(4, 4, dtype=torch.long)
    runner = Runner(
        Tiny(),
        str(folder),
        train_dataloader={
            "batch_size": 1,
            "dataset": [{"inputs": label}] * 2,
            "sampler": {"type": "InfiniteSampler", "shuffle": False},
            "collate_fn": {"type": "default_collate"},
        },
        train_cfg={"by_epoch": False, "max_iters": 8},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 1.0, "momentum": 0.9}},
        default_hooks={
            "checkpoint": {"type": "CheckpointHook", "interval": 3, "by_epoch": False},
            "logger": None,
        },
        custom_hooks=[*hooks],
        load_from=resume_from,
        resume=resume_from is not None,
        experiment_name=f"{name}_{folder.name}",
        log_level="ERROR",
    )
    runner.train()
    return runner.model


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    trust_own_checkpoints()
    hook = {"type": "seglosses.LossWeightSchedule"}
    whole, rest = Record(), Record()
    first = train(tmp_path, "whole", hook, whole)
    # 1.25 to 0.25 within 8, so 1/8 less each iteration
    falling, late = zip(*whole.seen.values(), strict=True)
    assert falling == (1.25, 1.125, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375)
    # off until 2 of 8, then 1/4 of 0.5 each iteration more, 0.5 from 6 on
    assert late == (0.0, 0.0, 0.0, 0.125, 0.25, 0.375, 0.5, 0.5)
    second = train(tmp_path, "resumed", hook, rest, resume_from=str(tmp_path / "iter_3.pth"))
    assert rest.seen == {iteration: whole.seen[iteration] for iteration in range(3, 8)}
    torch.testing.assert_close(second.logits, first.logits, rtol=0, atol=0)
    assert [loss.loss_weight for loss in first.losses] == [0.25, 0.5]


def test_a_run_without_the_hook_stops_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"add dict\(type='seglosses\.LossWeightSchedule'"):
        train(tmp_path, "forgotten")


def test_unknown_loss_is_named_with_what_there_is():
    with pytest.raises(ValueError, match=r"no loss named 'loss_x'.*\['loss_dice'\]"):
        LossWeightSchedule("loss_x").before_train(runner_of(DiceLoss()))


def test_an_initial_factor_needs_time_and_a_loss():
    with pytest.raises(ValueError, match="a start or a warmup beside initial"):
        LossWeightSchedule("loss_dice", initial=2.0)
    with pytest.raises(ValueError, match=r"initial=2\.0\)"):
        LossWeightSchedule(initial=2.0)


@pytest.mark.parametrize("options", [{"start": -0.1}, {"warmup": 500}])
def test_fractions_are_checked(options):
    with pytest.raises(ValueError, match="Divide iterations by max_iters"):
        LossWeightSchedule("loss_dice", **options)
