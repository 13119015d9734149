"""Checkpoints that attack, are damaged, or are resumed into another plan."""

from __future__ import annotations

import itertools
import os
import pickle
import re
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner, load_checkpoint

from seglosses.hosts.openmmlab.checkpoints import (
    CheckpointError,
    damage,
    guard,
    newest_checkpoint,
    weights_only,
)
from seglosses.hosts.openmmlab.runner import CheckedRunner

NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    """The switches of the process are its own again after each test."""
    for name in ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"):
        monkeypatch.setenv(name, "0")


class Line(BaseModel):
    """A slope that learns one number, and its learning rates."""

    def __init__(self):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, mode="loss"):
        return {"loss": (self.slope - 1).square().sum()}


def runner(folder, iters, *, resume=None, optimizer=(), schedules=None, load_from=None):
    """A training of ``iters`` iterations with a polynomial decay over all of it."""
    decay = {"type": "PolyLR", "eta_min": 0.0, "power": 1.0, "begin": 0, "end": iters}
    return CheckedRunner(
        Line(),
        str(folder),
        train_dataloader={
            "batch_size": 1,
            "dataset": [{"inputs": torch.zeros(1)}] * 2,
            "sampler": {"type": "InfiniteSampler", "shuffle": False},
            "collate_fn": {"type": "default_collate"},
        },
        train_cfg={"by_epoch": False, "max_iters": iters},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.25, **dict(optimizer)}},
        param_scheduler=schedules or [{**decay, "by_epoch": False}],
        default_hooks={
            "checkpoint": {"type": "CheckpointHook", "interval": 2, "by_epoch": False},
            "logger": None,
        },
        resume=resume is not None,
        load_from=resume or load_from,
        cfg={"param_scheduler": schedules or [{**decay, "by_epoch": False}]},
        experiment_name=f"{folder.name}_{next(NUMBERS)}",
        log_level="WARNING",
    )


def log(folder):
    return "".join(path.read_text() for path in sorted(folder.glob("*/*.log")))


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def crafted(tmp_path):
    """A checkpoint that attacks, and the mark that it leaves."""
    mark, path = tmp_path / "attacked", tmp_path / "crafted.pth"
    state = {"slope": torch.ones(1)}
    torch.save({"state_dict": state, "meta": {"iter": 1, "epoch": 0, "x": Attack(mark)}}, path)
    return path, mark


def test_a_crafted_file_runs_nothing(crafted, tmp_path):
    path, mark = crafted
    work = tmp_path / "work"
    work.mkdir()
    words = r"crafted\.pth holds more than weights \(\w+\.mkdir\).*add --trust-checkpoint"
    with pytest.raises(CheckpointError, match=words):
        runner(work, 4, resume=str(path)).train()
    with pytest.raises(CheckpointError, match=words):
        runner(work, 4, load_from=str(path)).train()
    guard(trust=False)
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(Line(), str(path))
    assert not mark.exists()
    guard(trust=True)
    with warnings.catch_warnings():
        # of mmengine, that it reads everything
        warnings.simplefilter("ignore", UserWarning)
        load_checkpoint(Line(), str(path))
    assert mark.exists(), "the file would have attacked"


def test_trust_is_of_a_block_or_of_the_process(crafted):
    path, mark = crafted
    guard(trust=False)
    with weights_only(), pytest.raises(pickle.UnpicklingError):
        torch.load(path)
    with weights_only(trust=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.load(path)
    assert mark.exists()
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=False)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeroed(path):
    """As after a power cut: the length is right, a block is not."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = next(one.header_offset for one in archive.infolist() if one.filename.endswith("/0"))
    content[start + 64 : start + 200] = bytes(136)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (cut, "it is cut off"),
        (zeroed, "differs from its checksum|Bad magic|mismatch|differ"),
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_bytes(bytes(999)), "it is no checkpoint"),
        (lambda path: path.write_text("<html>not found</html>"), "it is no checkpoint"),
    ],
    ids=["cut", "zeroed", "empty", "zeros", "page"],
)
def test_a_damaged_checkpoint_is_named_and_passed_over(tmp_path, harm, words):
    whole, work = tmp_path / "whole", tmp_path / "work"
    for folder in (whole, work):
        folder.mkdir()
        runner(folder, 6).train()
    sound = torch.load(whole / "iter_6.pth", weights_only=False)
    harm(work / "iter_6.pth")
    assert re.search(words, damage(work / "iter_6.pth"))
    with pytest.raises(CheckpointError, match=r"iter_6\.pth is damaged"):
        runner(work, 6, resume=str(work / "iter_6.pth")).train()
    again = runner(work, 6)
    again._resume = True
    again.train()
    assert re.search(rf"{work / 'iter_6.pth'} \(.*it goes back to {work / 'iter_4.pth'}", log(work))
    assert damage(work / "iter_6.pth") is None
    state = torch.load(work / "iter_6.pth", weights_only=False)["state_dict"]
    assert state["slope"] == sound["state_dict"]["slope"]


def test_which_checkpoint_is_the_newest(tmp_path, capsys):
    assert newest_checkpoint(tmp_path) is None
    for name in ("iter_2", "iter_10", "iter_9", "best_scores_dice_iter_12", "notes"):
        torch.save({}, tmp_path / f"{name}.pth")
    assert newest_checkpoint(tmp_path).name == "iter_10.pth"
    # of a training that was started anew in the folder of another
    (tmp_path / "last_checkpoint").write_text("/elsewhere/iter_9.pth")
    assert newest_checkpoint(tmp_path).name == "iter_9.pth"
    cut(tmp_path / "iter_9.pth")
    assert newest_checkpoint(tmp_path).name == "iter_2.pth"
    (tmp_path / "last_checkpoint").write_text("")
    assert newest_checkpoint(tmp_path).name == "iter_10.pth"
    cut(tmp_path / "iter_10.pth")
    cut(tmp_path / "iter_2.pth")
    assert newest_checkpoint(tmp_path) is None


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    one = runner(tmp_path, 4)
    one.train()
    before = (tmp_path / "iter_4.pth").read_bytes()

    def killed(self, out_dir, filename, *args, **options):
        Path(out_dir, filename).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Runner, "save_checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        one.save_checkpoint(str(tmp_path), "iter_4.pth")
    assert (tmp_path / "iter_4.pth").read_bytes() == before
    assert newest_checkpoint(tmp_path).name == "iter_4.pth"


def rates(one):
    """The learning rate of each iteration of a training."""
    seen = []

    class Watch(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            seen.append(runner.optim_wrapper.get_lr()["lr"][0])

    one.register_hook(Watch())
    one.train()
    return seen


WARM = {"type": "LinearLR", "start_factor": 0.1, "begin": 0, "end": 3, "by_epoch": False}


@pytest.mark.parametrize("warm", [False, True], ids=["decay", "warm-up and decay"])
def test_a_longer_training_goes_on_learning(tmp_path, warm):
    def plan(iters):
        decay = {"type": "CosineAnnealingLR", "T_max": iters, "begin": 0, "end": iters}
        return [*([WARM] if warm else []), {**decay, "by_epoch": False}]

    (tmp_path / "long").mkdir()
    whole = rates(runner(tmp_path / "long", 9, schedules=plan(9)))
    (tmp_path / "short").mkdir()
    runner(tmp_path / "short", 6, schedules=plan(6)).train()
    last = str(tmp_path / "short" / "iter_6.pth")
    again = runner(tmp_path / "short", 9, schedules=plan(9), resume=last)
    assert rates(again) == pytest.approx(whole[6:])
    assert "T_max 9 instead of 6" in log(tmp_path / "short")
    assert "those of the config are used, from iteration 6 on" in log(tmp_path / "short")


def test_the_same_training_goes_on_as_mmengine_has_it(tmp_path):
    (tmp_path / "whole").mkdir()
    whole = rates(runner(tmp_path / "whole", 6))
    again = runner(tmp_path / "whole", 6, resume=str(tmp_path / "whole" / "iter_4.pth"))
    assert rates(again) == whole[4:]
    assert "schedules" not in log(tmp_path / "whole")
    assert "not used" not in log(tmp_path / "whole")


def test_what_the_optimizer_does_not_take_from_the_config_is_named(tmp_path):
    runner(tmp_path, 4).train()
    changed = {"lr": 0.5, "momentum": 0.9}
    runner(tmp_path, 6, resume=str(tmp_path / "iter_4.pth"), optimizer=changed).train()
    words = log(tmp_path)
    assert "not used: initial_lr=0.5 (it has 0.25)" in words
    assert "momentum=0.9 (it has 0)" in words


def test_a_training_at_its_end_says_so(tmp_path):
    runner(tmp_path, 4).train()
    runner(tmp_path, 3, resume=str(tmp_path / "iter_4.pth")).train()
    assert "is at iteration 4, and the training ends at 3: there is nothing left" in log(tmp_path)
