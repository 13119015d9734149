"""What trains: MMSegmentation's config or nnU-Net's trainer, from one mix-in."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seglosses.benchmark import engines
from seglosses.benchmark.campaign import Campaign
from seglosses.benchmark.cards import engine_of
from seglosses.benchmark.engines import ENGINES, mixin_entries
from seglosses.benchmark.plan import Run, plan
from seglosses.benchmark.results import read_results
from seglosses.benchmark.worker import work
from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.evaluate.mortar_folder import COLUMNS
from seglosses.hosts.config_files import mixin_names
from seglosses.hosts.nnunet import data
from seglosses.hosts.nnunet.data import DATASET, Source, ready, write_raw
from seglosses.hosts.nnunet.spec import Task, build_losses
from seglosses.hosts.nnunet.training import length


@pytest.fixture(scope="module")
def bricks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "bricks"
    write_dataset(root, BrickSet(size=(64, 64), train=3, val=2, test=1))
    return root


@pytest.fixture
def nnunet(monkeypatch: pytest.MonkeyPatch) -> None:
    """nnU-Net 9.9, which does nothing: preparing and training are others' tests."""
    monkeypatch.setattr(engines, "version", lambda name: "9.9")
    monkeypatch.setattr(engines.NnUNetEngine, "prepare", lambda self, campaign, digest: None)


def planned(bricks: Path, out: Path, **changes: Any) -> list[Run]:
    options: dict[str, Any] = {"labels": "noisy", "train_size": "large", "profile": "thin"}
    campaign = Campaign(out, bricks, **{**options, "engine": "nnunet", **changes})
    return plan(campaign, ["nnunet", "ce_dice_betti_matching_late"], [0, 1])


def test_a_mixin_becomes_the_losses_of_a_trainer(tmp_path: Path) -> None:
    assert mixin_entries("ce_dice_betti_matching_late") == [
        {"type": "CrossEntropyLoss"},
        {"type": "DiceLoss"},
        {
            "type": "BettiMatchingLoss",
            "loss_weight": {"value": 0.5, "start": 0.5, "warmup": 0.1},
        },
    ]
    own = tmp_path / "advised.py"
    own.write_text("loss_decode = [dict(type='seglosses.DiceLoss', smooth=0.5)]\n")
    assert mixin_entries(str(own)) == [{"type": "DiceLoss", "smooth": 0.5}]
    with pytest.raises(ValueError, match=r"box_ciou\.py has no loss_decode"):
        mixin_entries("box_ciou")


def test_most_mixins_for_maps_are_losses_that_nnunet_takes() -> None:
    taken, refused = [], {}
    for name in mixin_names():
        try:
            build_losses(mixin_entries(name), Task(2, 2, batch_dice=True))
            taken.append(name)
        except ValueError as error:
            refused[name] = str(error)
    assert len(taken) > 80
    for name, why in refused.items():
        assert any(word in why for word in ("no loss_decode", "there is no loss", "needs",
                                            "use_sigmoid")), (name, why)  # fmt: skip


def test_lengths_are_whole_epochs() -> None:
    for iters in (1, 8, 10, 149, 300, 12_000, 250_000):
        epochs, each = length(iters)
        assert iters <= epochs * each < iters + epochs
    with pytest.raises(ValueError, match="at least one iteration"):
        length(0)


def test_runs_of_nnunet_have_a_place_and_a_card_of_their_own(
    bricks: Path, tmp_path: Path, nnunet: None
) -> None:
    runs = planned(bricks, tmp_path, iters=20)
    assert [one.folder.relative_to(tmp_path).as_posix() for one in runs[:2]] == [
        "nnunet/noisy/large/nnunet/0",
        "nnunet/noisy/large/ce_dice_betti_matching_late/0",
    ]
    assert len({one.card["stamp"] for one in runs}) == 4
    assert engine_of(runs[0].card) == "nnunet 9.9"
    assert (runs[0].card["iters"], runs[0].card["epochs"]) == (20, 10)
    again = planned(bricks, tmp_path / "elsewhere", iters=20)
    assert [one.card["stamp"] for one in again] == [one.card["stamp"] for one in runs]
    other = planned(bricks, tmp_path, iters=20, labels="accurate")
    assert other[0].card["stamp"] != runs[0].card["stamp"]
    runs[1].job()
    described = json.loads((runs[1].folder / "training.json").read_text())
    assert described["losses"][2]["type"] == "BettiMatchingLoss"
    with pytest.raises(ValueError, match="--balance"):
        planned(bricks, tmp_path, balance=True)


def test_the_own_length_of_nnunet_where_the_profile_says_none(
    bricks: Path, tmp_path: Path, nnunet: None
) -> None:
    card = planned(bricks, tmp_path, profile="paper")[0].card
    assert (card["iters"], card["epochs"]) == (250_000, 1000)


def test_a_worker_scores_what_the_engine_predicts(
    bricks: Path, tmp_path: Path, nnunet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(self: object, folder: Path) -> dict[str, str]:
        for name, mask in (("predictions", np.eye(8)), ("labels", np.ones((8, 8)))):
            (folder / "test" / name).mkdir(parents=True)
            path = folder / "test" / name / "071.png"
            Image.fromarray(mask.astype(np.uint8)).save(path)
        return {"device": "none"}

    monkeypatch.setattr(engines.NnUNetEngine, "train_and_test", predict)
    run = planned(bricks, tmp_path)[0]
    run.job()
    work(run.folder)
    assert run.finished()
    assert run.scores.read_text().splitlines()[0] == ",".join(("ID", *COLUMNS))
    (scores,) = read_results(tmp_path, ["Dice"])
    assert scores.values.ravel().tolist() == [16 / 72]
    assert scores.protocol == "8 × 8 px, 500 iterations, nnunet 9.9"


def test_the_raw_data_are_what_mmseg_sees(bricks: Path, tmp_path: Path) -> None:
    source = Source(str(bricks), "noisy", "large", 32)
    (split,) = write_raw(source, tmp_path)
    folder = tmp_path / DATASET
    assert split == {
        "train": ["train_001", "train_002", "train_003"],
        "val": sorted(path.stem for path in (folder / "labelsTr").glob("val_*")),
    }
    assert len(split["val"]) == 2
    about = json.loads((folder / "dataset.json").read_text())
    assert about["numTraining"] == 5
    assert len(list((folder / "labelsTs").iterdir())) == 7
    pytest.importorskip("mmengine")
    from seglosses.hosts.openmmlab.transforms import ShrinkByArea

    image = np.asarray(Image.open(bricks / "train" / "images" / "001.png").convert("RGB"))
    mask = np.asarray(Image.open(bricks / "train" / "noisy" / "001.png")) // 255
    seen = ShrinkByArea((32, 32))({"img": image, "m": mask, "seg_fields": ["m"]})
    ours = np.asarray(Image.open(folder / "imagesTr" / "train_001_0000.png"))
    np.testing.assert_array_equal(ours, seen["img"])
    ours = np.asarray(Image.open(folder / "labelsTr" / "train_001.png"))
    np.testing.assert_array_equal(ours, seen["m"])


def test_images_that_are_too_small_to_shrink_are_named(bricks: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least 128 x 128 to shrink.*001\.png.*--profile thin"):
        write_raw(Source(str(bricks), "noisy", "large", 128), tmp_path)


def test_prepared_data_are_known_by_their_source(tmp_path: Path) -> None:
    source = Source("data", "noisy", "large", None, "1")
    assert not ready(tmp_path, source)
    (tmp_path / "ready.json").write_text(source.written())
    assert ready(tmp_path, source)
    assert not ready(tmp_path, Source("data", "noisy", "large", None, "2"))


def test_data_that_are_half_replaced_are_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source("data", "noisy", "large", None, "1")
    (tmp_path / "ready.json").write_text(source.written())

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "write_raw", stopped)
    with pytest.raises(KeyboardInterrupt):
        data.prepare(tmp_path, source)
    assert not ready(tmp_path, source)


def test_a_preparation_ends_with_the_benchmark(tmp_path: Path) -> None:
    """Its parent dies while it writes; so it must, and the processes that it started."""
    code = f"""
import multiprocessing,os,sys,time
from pathlib import Path
from seglosses.hosts.nnunet import data
def prepare(folder,source):
    child=multiprocessing.get_context("fork").Process(target=time.sleep,args=(60,));child.start()
    (folder/"ids").write_text(f"{{os.getpid()}} {{child.pid}}");(folder/"begun").touch()
    time.sleep(60)
data.prepare=prepare
data.main([{str(tmp_path)!r},sys.argv[1]])
"""
    (tmp_path / "source.json").write_text(Source("data", "noisy", "large").written())
    starts = (
        "import os,subprocess,sys,time;from pathlib import Path;"
        f"subprocess.Popen([sys.executable,'-c',{code!r},str(os.getpid())]);"
        f"begun=Path({str(tmp_path)!r})/'begun';\nwhile not begun.exists(): time.sleep(.05)"
    )
    subprocess.run([sys.executable, "-c", starts], check=True, timeout=60)
    ids = (tmp_path / "ids").read_text().split()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{number}").exists() for number in ids):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_every_engine_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for engine, extra in (("mmseg", "onedl-seg"), ("nnunet", "nnunet")):
        with pytest.raises(ValueError, match=rf"seglosses\[{extra}\]"):
            ENGINES[engine].check("seglosses benchmark run")
