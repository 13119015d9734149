from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from seglosses.cli import main
from seglosses.hosts.openmmlab.checkpoints import trust_own_checkpoints
from seglosses.hosts.openmmlab.data_files import LOADERS, require_data
from seglosses.hosts.openmmlab.runs import (
    compose,
    find_mixin,
    start_processes,
)
from seglosses.registry import MODELS

CONFIGS = Path(__file__).parents[3] / "configs"
LEAVES = sorted(p for p in CONFIGS.glob("*/*.py") if p.parent.name not in ("_base_", "losses"))
MIXINS = sorted((CONFIGS / "losses").rglob("*.py"))
BRICKS = CONFIGS / "bricks" / "unet_128.py"


def types_of(tree):
    """Every ``type`` in a config, wherever it stands."""
    if isinstance(tree, dict):
        if "type" in tree:
            yield tree["type"]
        for value in tree.values():
            yield from types_of(value)
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            yield from types_of(value)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_leaves_load_nothing_from_the_network(leaf):
    text = compose(leaf).pretty_text
    assert "torchvision://" not in text
    assert "http" not in text
    assert "mmseg::" not in leaf.read_text(encoding="utf-8")


@pytest.mark.parametrize("mixin", MIXINS, ids=lambda path: path.stem)
def test_mixins_define_only_losses_of_ours(mixin):
    pieces = Config.fromfile(str(mixin))
    assert set(pieces) <= {"loss_decode", "loss_bbox", "loss_cls", "loss_mask"}
    assert isinstance(pieces.get("loss_decode", []), list), "lists replace, dicts leak keys"
    for loss in pieces.get("loss_decode") or pieces.values():
        assert loss["type"].startswith("seglosses.")
        built = MODELS.build(loss)
        assert "loss" in built.loss_name


def test_a_mixin_replaces_the_loss_of_the_leaf():
    cfg = compose(BRICKS, loss="tversky")
    assert [loss.type for loss in cfg.model.decode_head.loss_decode] == ["seglosses.TverskyLoss"]
    assert cfg.work_dir == str(Path("work_dirs/bricks/unet_128/tversky"))


def test_a_mixin_leaves_auxiliary_heads_alone():
    cfg = compose(CONFIGS / "topomortar" / "unet_512.py", loss="tversky")
    assert "seglosses.TverskyLoss" in set(types_of(cfg.model.decode_head))
    assert "seglosses.TverskyLoss" not in set(types_of(cfg.model.auxiliary_head))


def test_data_labels_length_seed_and_options():
    cfg = compose(
        BRICKS,
        data="elsewhere",
        labels="pseudo",
        iters=40,
        seed=7,
        work_dir="here",
        options={"optim_wrapper.optimizer.lr": 0.5},
    )
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    assert [loader.dataset.data_root for loader in loaders] == ["elsewhere"] * 3
    assert cfg.train_dataloader.dataset.labels == "pseudo"
    assert cfg.val_dataloader.dataset.get("labels", "accurate") == "accurate"
    assert (cfg.train_cfg.max_iters, cfg.train_cfg.val_interval) == (40, 40)
    assert cfg.param_scheduler[0].end == 40
    assert cfg.randomness.seed == 7
    assert cfg.work_dir == "here"
    assert cfg.optim_wrapper.optimizer.lr == 0.5


def test_a_longer_run_is_validated_as_often():
    before = compose(BRICKS).train_cfg
    longer = compose(BRICKS, iters=2 * before.max_iters).train_cfg
    assert longer.val_interval == before.val_interval < longer.max_iters


def test_labels_reach_a_wrapped_dataset(tmp_path):
    wrapped = tmp_path / "wrapped.py"
    wrapped.write_text(
        f"_base_ = [{BRICKS.as_posix()!r}]\n"
        "train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', times=2,"
        " dataset=_base_.train_dataloader.dataset))\n"
    )
    dataset = compose(wrapped, labels="noisy").train_dataloader.dataset
    assert dataset.dataset.labels == "noisy"
    assert "labels" not in dataset


def test_a_mixin_can_be_a_path(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("loss_decode = [dict(type='seglosses.JaccardLoss')]\n")
    assert find_mixin(BRICKS, str(path)) == path
    cfg = compose(BRICKS, loss=str(path))
    assert cfg.model.decode_head.loss_decode[0].type == "seglosses.JaccardLoss"


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("nosuch", "which have .*tversky"),
        ("nosuch.py", r"no loss mix-in nosuch\.py"),
        ("box_ciou", r"none of the heads roi_head\.bbox_head, bbox_head"),
    ],
)
def test_a_mixin_that_does_not_fit_is_named(loss, words):
    with pytest.raises(ValueError, match=words):
        compose(BRICKS, loss=loss)


def test_an_empty_mixin_is_named(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("x = 1\n")
    with pytest.raises(ValueError, match="defines none of loss_decode"):
        compose(BRICKS, loss=str(path))


def test_our_configs_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = compose(BRICKS, loss="ce_dice")
    assert compose("configs/bricks/unet_128.py", loss="ce_dice").to_dict() == expected.to_dict()


def test_a_leaf_of_ones_own_takes_our_mixins_too(tmp_path):
    leaf = tmp_path / "mine" / "leaf.py"
    leaf.parent.mkdir()
    leaf.write_text("model = dict(decode_head=dict(loss_decode=dict(type='CrossEntropyLoss')))\n")
    (tmp_path / "losses").mkdir()
    (tmp_path / "losses" / "own.py").write_text("loss_decode = [dict(type='MyLoss')]\n")
    assert compose(leaf, loss="own").loss_decode[0].type == "MyLoss"
    assert compose(leaf, loss="ce").loss_decode[0].type == "seglosses.CrossEntropyLoss"
    with pytest.raises(ValueError, match=r"no mix-in nosuch in .* and .*configs/losses.* own"):
        compose(leaf, loss="nosuch")


def test_a_missing_config_is_named():
    with pytest.raises(ValueError, match=r"no config nowhere\.py"):
        compose("nowhere.py")


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without a GPU")
def test_several_processes_without_torchrun_are_explained(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(ValueError, match="needs torchrun"):
        start_processes(compose(BRICKS), "pytorch")


def test_what_a_runner_saves_beside_weights_can_be_loaded_safely():
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    file = io.BytesIO()
    torch.save({"message_hub": {"loss": history}, "f": np.float64(1), "i": np.int64(2)}, file)
    trust_own_checkpoints()
    file.seek(0)
    loaded = torch.load(file, weights_only=True)
    assert loaded["message_hub"]["loss"].mean() == 1.5
    assert (loaded["f"], loaded["i"]) == (1.0, 2)


class Attack:
    """Pickles as a call of getattr that reaches for a function which writes files."""

    def __reduce__(self):
        return getattr, (np.ndarray, "tofile")


def test_a_checkpoint_cannot_reach_for_anything_else():
    file = io.BytesIO()
    torch.save({"meta": Attack()}, file)
    trust_own_checkpoints()
    file.seek(0)
    with pytest.raises(ValueError, match="do not trust"):
        torch.load(file, weights_only=True)


@pytest.mark.parametrize(
    ("key", "heads"),
    [
        ("loss_decode", "dict(decode_head=[{}, {}])"),
        ("loss_bbox", "dict(roi_head=dict(bbox_head=[{}, {}]))"),
    ],
)
def test_a_mixin_trains_the_last_head_of_a_cascade(tmp_path, key, heads):
    head = f"dict({key}=dict(type='L1Loss'))"
    leaf, mixin = tmp_path / "leaf.py", tmp_path / "mixin.py"
    leaf.write_text(f"model = {heads.format(head, head)}\n")
    mixin.write_text(f"{key} = dict(type='seglosses.GIoULoss')\n")
    model = compose(leaf, loss=str(mixin)).model
    first, last = model.decode_head if key == "loss_decode" else model.roi_head.bbox_head
    assert first[key].type == "L1Loss"
    assert last[key].type == "seglosses.GIoULoss"


@pytest.mark.parametrize(
    ("leaf", "data", "words"),
    [
        (
            "bricks/unet_128.py",
            "nowhere",
            r"train/, val/ and test/, got nowhere; .*seglosses bricks",
        ),
        (
            "detection/fcos_bricks.py",
            "nowhere",
            r"the \w+_dataloader reads from nowhere, .* --data",
        ),
        ("detection/fcos_bricks.py", ".", r"boxes from coco/\w+\.json, .*`seglosses to-coco \.`"),
        (
            "detection/fcos_coco.py",
            ".",
            r"boxes from annotations/instances_\w+2017\.json, .* --data",
        ),
    ],
)
@pytest.mark.parametrize("command", ["train", "test"])
def test_missing_data_are_one_line(command, leaf, data, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.pth").touch()
    rest = ["weights.pth"] if command == "test" else ["--iters", "2"] if "bricks" in leaf else []
    assert main([command, str(CONFIGS / leaf), *rest, "--data", data]) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(words, said)
    assert "\n" not in said


def test_data_behind_an_address_are_left_to_mmengine():
    require_data(compose(BRICKS, data="s3://bucket/bricks"), LOADERS)


def test_files_named_from_the_top_need_no_folder(tmp_path):
    (tmp_path / "boxes.json").touch()
    cfg = compose(CONFIGS / "detection" / "fcos_bricks.py", data="nowhere")
    cfg.val_dataloader.dataset.ann_file = str(tmp_path / "boxes.json")
    require_data(cfg, ("val_dataloader",))
    cfg.val_dataloader.dataset.ann_file = str(tmp_path / "others.json")
    with pytest.raises(ValueError, match=r"others\.json, and there is no such file"):
        require_data(cfg, ("val_dataloader",))
