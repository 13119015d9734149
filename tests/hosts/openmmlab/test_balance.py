"""The balance of losses in real trainings: heads of mmseg, shares, resuming, pages."""

from __future__ import annotations

import json
import warnings
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.runner import LogProcessor, Runner
from torch import nn

from seglosses.hosts.openmmlab.balance import LossBalanceHook, losses_by_head
from seglosses.hosts.openmmlab.checkpoints import trust_own_checkpoints
from seglosses.losses import CrossEntropyLoss, DiceLoss, SoftClDiceLoss
from seglosses.losses.schedule import FIRST
from tests.ranks import in_two_processes

LABEL = (torch.arange(64).view(8, 8) % 5 < 2).long()


class Tiny(BaseModel):
    """A head with three losses, one with a target share, and an auxiliary head with two."""

    terms = 3

    def __init__(self, share):
        super().__init__()
        torch.manual_seed(0)
        self.logits = nn.Parameter(torch.randn(1, 2, 8, 8))
        late = (
            {"share": 0.25, "start": 0.25, "warmup": 0.25} if share == "late" else {"share": 0.25}
        )
        third = SoftClDiceLoss(iterations=2, loss_weight=late if share else 1.0)
        self.decode_head = nn.Module()
        losses = [CrossEntropyLoss(), DiceLoss(), third]
        self.decode_head.loss_decode = nn.ModuleList(losses[: self.terms])
        self.auxiliary_head = nn.Module()
        self.auxiliary_head.loss_decode = nn.ModuleList(
            [CrossEntropyLoss(loss_weight=0.4), DiceLoss(loss_weight=0.1)]
        )

    def forward(self, inputs, mode="loss"):
        found = {}
        for place, head in (("decode", self.decode_head), ("aux", self.auxiliary_head)):
            logits = 1.0 * self.logits
            for loss in head.loss_decode:
                found[f"{place}.{loss.loss_name}"] = loss(logits, inputs)
        return found


class Record(Hook):
    """The weight of the third loss with which each iteration was done."""

    def __init__(self):
        self.seen = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.seen[runner.iter] = runner.model.decode_head.loss_decode[2].loss_weight


Record.priority = "LOWEST"


def train(folder, name, *hooks, share=None, resume_from=None, resume=True, iters=8):
    runner = Runner(
        Tiny(share),
        str(folder),
        train_dataloader={
            "batch_size": 1,
            "dataset": [{"inputs": LABEL}] * 2,
            "sampler": {"type": "InfiniteSampler", "shuffle": False},
            "collate_fn": {"type": "default_collate"},
        },
        train_cfg={"by_epoch": False, "max_iters": iters},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.5}},
        default_hooks={
            "checkpoint": {"type": "CheckpointHook", "interval": 3, "by_epoch": False},
            "logger": None,
        },
        custom_hooks=[{"type": "seglosses.LossWeightSchedule"}, *hooks],
        load_from=resume_from,
        resume=resume and resume_from is not None,
        experiment_name=f"{name}_{folder.name}",
        log_level="ERROR",
    )
    runner.train()
    return runner


def test_each_head_is_measured_and_training_is_not_changed(tmp_path):
    hook = {"type": "seglosses.LossBalanceHook", "interval": 4}
    runner = train(tmp_path, "measured", hook)
    plain = train(tmp_path / "plain", "plain")
    torch.testing.assert_close(runner.model.logits, plain.model.logits, rtol=0, atol=0)
    scalars = runner.message_hub.log_scalars
    names = [key.removeprefix("train/balance/") for key in scalars if "balance" in key]
    assert "decode_head.dice/share" in names
    assert "auxiliary_head.cross_entropy~dice/angle" in names
    shares = [
        scalars[f"train/balance/decode_head.{name}/share"].current()
        for name in ("cross_entropy", "dice", "soft_cldice")
    ]
    assert sum(shares) == pytest.approx(1.0)
    kept = json.loads((tmp_path / "balance.json").read_text("utf-8"))
    assert [one["step"] for one in kept["decode_head"]] == [0, 4]
    assert (tmp_path / "balance.html").read_text("utf-8").count(
        "<polyline"
    ) == 3 + 3 + 3 + 2 + 2 + 1


def test_norms_are_those_of_autograd(tmp_path):
    runner = train(tmp_path, "norms", {"type": "seglosses.LossBalanceHook"}, iters=1)
    model = Tiny(None)
    logits = 1.0 * model.logits
    for loss in model.decode_head.loss_decode:
        expected = torch.autograd.grad(loss(logits, LABEL[None]), logits, retain_graph=True)[0]
        key = f"train/balance/decode_head.{loss.loss_name.removeprefix('loss_')}/norm"
        found = runner.message_hub.log_scalars[key].current()
        assert found == pytest.approx(float(expected.norm()), rel=1e-5)


def test_a_share_is_reached_in_its_own_head(tmp_path):
    hook = {"type": "seglosses.LossBalanceHook", "interval": 1, "settle": 4}
    runner = train(tmp_path, "share", hook, share="now")
    found = runner.message_hub.log_scalars["train/balance/decode_head.soft_cldice/share"]
    assert found.current() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("share", ["now", "late"])
def test_a_resumed_run_has_the_same_weights(tmp_path, share):
    trust_own_checkpoints()
    hook = {"type": "seglosses.LossBalanceHook", "interval": 2, "settle": 2}
    whole, rest = Record(), Record()
    first = train(tmp_path, "whole", hook, whole, share=share)
    kept = json.loads((tmp_path / "balance.json").read_text())["decode_head"]
    straight = [one["step"] for one in kept]
    checkpoint = str(tmp_path / "iter_3.pth")
    second = train(tmp_path, "again", hook, rest, share=share, resume_from=checkpoint)
    assert rest.seen == {iteration: whole.seen[iteration] for iteration in range(3, 8)}
    torch.testing.assert_close(second.model.logits, first.model.logits, rtol=0, atol=0)
    assert whole.seen[7] not in (0.0, 0.001)
    # the page is of the whole training, although the second run did only half of it
    again = json.loads((tmp_path / "balance.json").read_text())["decode_head"]
    assert [one["step"] for one in again] == straight


def test_weights_of_another_training_bring_no_balance(tmp_path):
    """``load_from`` without ``resume``: measured from the start, also with other losses."""
    trust_own_checkpoints()
    hook = {"type": "seglosses.LossBalanceHook", "interval": 2, "settle": 2}
    train(tmp_path, "earlier", hook, share="now")
    weights = {"resume_from": str(tmp_path / "iter_6.pth"), "resume": False}
    fine, seen = tmp_path / "fine", Record()
    train(fine, "fine", hook, seen, share="now", **weights)
    steps = [one["step"] for one in json.loads((fine / "balance.json").read_text())["decode_head"]]
    assert steps == [0, 2, 4, 6]
    assert seen.seen[0] == FIRST
    Tiny.terms = 2
    try:
        train(tmp_path / "other", "other", hook, **weights)
    finally:
        Tiny.terms = 3
    assert json.loads((tmp_path / "other" / "balance.json").read_text())["decode_head"]


def test_what_is_logged_is_what_was_measured_last(tmp_path):
    """mmengine logs a mean over ten values of whatever has "loss" in its name."""
    hook = {"type": "seglosses.LossBalanceHook", "interval": 1, "settle": 4}
    runner = train(tmp_path, "logged", hook, share="now")
    processor = LogProcessor(by_epoch=False)
    tags, _ = processor.get_log_after_iter(runner, 0, "train")
    kept = json.loads((tmp_path / "balance.json").read_text())["decode_head"]
    for name, share in kept[-1]["shares"].items():
        key = f"balance/decode_head.{name.removeprefix('loss_')}/share"
        assert tags[key] == pytest.approx(share)


def test_a_share_without_the_hook_stops_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"add\s+dict\(type='seglosses\.LossBalanceHook'"):
        train(tmp_path, "forgotten", share="now")


def one_rank(rank):
    head = nn.Module()
    head.loss_decode = nn.ModuleList([CrossEntropyLoss(), DiceLoss(loss_weight={"share": 0.5})])
    model = nn.ModuleDict({"decode_head": head})
    hub = MessageHub.get_instance("ranks")
    runner = SimpleNamespace(model=model, iter=0, max_iters=9, message_hub=hub)
    hook = LossBalanceHook(interval=1)
    hook.before_train(runner)
    torch.manual_seed(rank)
    for runner.iter in range(3):
        hook.before_train_iter(runner, 0)
        logits = torch.randn(1, 2, 8, 8, requires_grad=True)
        for loss in head.loss_decode if rank == 0 or runner.iter == 1 else ():
            loss(logits, LABEL[None])
        hook.after_train_iter(runner, 0)
    return head.loss_decode[1].loss_weight


@pytest.mark.slow
def test_a_process_without_objects_keeps_no_other_waiting():
    """Heads return before their losses where an image has no positives; ranks must not differ."""
    weights = in_two_processes(one_rank)
    assert weights[0] == weights[1] > 0.001


def test_one_warning_of_a_loss_that_changes_nothing():
    head = nn.Module()
    head.loss_decode = nn.ModuleList([CrossEntropyLoss(), DiceLoss(loss_weight=1e-6)])
    model = nn.ModuleDict({"decode_head": head})
    hook = LossBalanceHook(interval=1, patience=2)
    hub = MessageHub.get_instance("warned")
    runner = SimpleNamespace(model=model, iter=0, max_iters=9, message_hub=hub)
    hook.before_train(runner)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for runner.iter in range(6):
            hook.before_train_iter(runner, 0)
            logits = torch.randn(1, 2, 8, 8, requires_grad=True)
            for loss in head.loss_decode:
                loss(logits, LABEL[None])
            hook.after_train_iter(runner, 0)
    (said,) = (str(one.message) for one in caught if "gradient" in str(one.message))
    assert said.startswith("loss_dice has less than 1 %")


def test_a_model_without_losses_is_refused():
    with pytest.raises(ValueError, match="found no loss"):
        LossBalanceHook().before_train(SimpleNamespace(model=nn.Linear(2, 2)))
    with pytest.raises(ValueError, match="interval of at least 1"):
        LossBalanceHook(interval=0)


def test_wrapped_losses_and_repeated_names_are_found_once():
    wrapper = nn.Module()
    wrapper.loss_weight, wrapper.loss_name, wrapper.inner = 1.0, "loss_wrapped", DiceLoss()
    head = nn.Module()
    head.loss_decode = nn.ModuleList([wrapper, DiceLoss(), DiceLoss()])
    found = losses_by_head(nn.ModuleDict({"decode_head": head}))
    assert list(found["decode_head"]) == ["loss_wrapped", "loss_dice", "loss_dice_1"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # mmseg's own
def test_a_unet_with_auxiliary_heads_of_mmseg(tmp_path):
    pytest.importorskip("mmseg")
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS

    import seglosses.registry  # noqa: F401

    init_default_scope("mmseg")
    aux = {
        "type": "FCNHead", "in_channels": 16, "in_index": 2, "channels": 8, "num_convs": 1,
        "num_classes": 2, "loss_decode": [dict(type="CrossEntropyLoss", loss_weight=0.4)],
    }  # fmt: skip
    config = {
        "type": "EncoderDecoder",
        "backbone": {
            "type": "UNet", "base_channels": 8, "num_stages": 4, "strides": (1, 1, 1, 1),
            "enc_num_convs": (1, 1, 1, 1), "dec_num_convs": (1, 1, 1),
            "downsamples": (True, True, True), "enc_dilations": (1, 1, 1, 1),
            "dec_dilations": (1, 1, 1),
        },
        "decode_head": {
            "type": "FCNHead", "in_channels": 8, "in_index": 3, "channels": 8, "num_convs": 1,
            "num_classes": 2, "loss_decode": [
                dict(type="CrossEntropyLoss"),
                dict(type="seglosses.DiceLoss"),
                dict(type="seglosses.BettiMatchingLoss", loss_weight=dict(share=0.1)),
            ],
        },
        "auxiliary_head": [aux, aux],
        "train_cfg": {}, "test_cfg": {"mode": "whole"},
    }  # fmt: skip
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    model = MODELS.build(config).train()
    hook = LossBalanceHook(interval=1, settle=3)
    hub = MessageHub.get_instance("unet")
    runner = SimpleNamespace(model=model, iter=0, max_iters=9, message_hub=hub, work_dir=tmp_path)
    hook.before_train(runner)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=LABEL.repeat(4, 4)[None]))]
    for runner.iter in range(5):
        hook.before_train_iter(runner, 0)
        losses = model.loss(torch.randn(1, 3, 32, 32), samples)
        sum(value for name, value in losses.items() if "loss" in name).backward()
        hook.after_train_iter(runner, 0)
    shares = hub.log_scalars["train/balance/decode_head.betti_matching/share"]
    assert shares.current() == pytest.approx(0.1, abs=0.05)
    assert hub.log_scalars["train/balance/auxiliary_head.1.ce/share"].current() == 1.0
    hook.after_train(runner)
    assert (tmp_path / "balance.html").is_file()
