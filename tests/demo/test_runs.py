from __future__ import annotations

import json
import shutil
import sys

import pytest

from seglosses.benchmark.campaign import Campaign
from seglosses.benchmark.plan import plan
from seglosses.benchmark.processes import Job, run_jobs
from seglosses.cli import main
from seglosses.datasets.write import BrickSet, write_dataset


@pytest.fixture(scope="module")
def bricks(tmp_path_factory):
    pytest.importorskip("mmengine")
    root = tmp_path_factory.mktemp("data") / "bricks"
    write_dataset(root, BrickSet(size=(128, 128), train=2, val=1, test=1))
    return root


def planned(out, data, *, seed=0, **changes):
    options = {"labels": "accurate", "iters": 4, **changes}
    campaign = Campaign(
        out, data, train_size="large", profile="smoke", leaf="bricks/unet_128.py", **options
    )
    (run,) = plan(campaign, ["ce"], [seed], lambda loss, _: out / loss)
    return run


def checkpoint(run, iteration):
    (run.folder / f"iter_{iteration}.pth").touch()


def test_what_is_there_is_reused_step_by_step(tmp_path, bricks):
    run = planned(tmp_path, bricks)
    assert run.folder == tmp_path / "ce"
    assert run.state() == "new"
    run.job()
    assert run.state() == "new"
    checkpoint(run, 2)
    assert run.state() == "begun"
    checkpoint(run, 4)
    assert planned(tmp_path, bricks).state() == "trained"
    run.scores.write_text("ID\n")
    assert run.state() == "trained", "scores that do not say whose they are"
    run.scores.with_suffix(".json").write_text(json.dumps(run.card))
    assert planned(tmp_path, bricks).state() == "finished"


@pytest.mark.parametrize("changes", [{"seed": 1}, {"labels": "noisy"}, {"iters": 5}])
def test_another_setting_trains_anew(tmp_path, bricks, changes):
    run = planned(tmp_path, bricks)
    run.job()
    checkpoint(run, 4)
    other = planned(tmp_path, bricks, **changes)
    assert other.state() == "new"
    with pytest.raises(ValueError, match="begun with another config or other data"):
        other.job()
    other.forget()
    other.job()
    assert not (other.folder / "iter_4.pth").exists()


def test_other_data_trains_anew(tmp_path, bricks):
    run = planned(tmp_path / "out", bricks)
    run.job()
    checkpoint(run, 4)
    more = tmp_path / "more"
    shutil.copytree(bricks, more)
    assert planned(tmp_path / "out", more).state() == "trained", "its place does not matter"
    (more / "beside.png").write_bytes(b"1")
    assert planned(tmp_path / "out", more).state() == "trained", "nor does what lies beside"
    (more / "test" / "images" / "more.png").write_bytes(b"1")
    assert planned(tmp_path / "out", more).state() == "new"


def test_what_is_forgotten_trains_anew(tmp_path, bricks):
    run = planned(tmp_path, bricks)
    run.job()
    checkpoint(run, 4)
    run.forget()
    assert run.state() == "new"
    assert not run.folder.exists()


def test_folders_of_others_are_left_alone(tmp_path, bricks):
    run = planned(tmp_path, bricks)
    run.folder.mkdir()
    (run.folder / "thesis.tex").write_text("precious")
    run.forget()
    with pytest.raises(ValueError, match="holds files of no run that is known here"):
        run.job()
    assert (run.folder / "thesis.tex").read_text() == "precious"


@pytest.mark.parametrize("losses", [["nosuch"], ["ce", "ce"]])
def test_losses_are_checked_before_anything_is_written(tmp_path, capsys, losses):
    assert main(["demo", "--losses", *losses, "--out", str(tmp_path / "out")]) == 2
    assert "expected different losses among" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_jobs_run_and_are_timed(tmp_path):
    jobs = [
        Job(name, [sys.executable, "-c", f"print('{name}')"], tmp_path / "logs" / f"{name}.log")
        for name in "ab"
    ]
    seconds = run_jobs(jobs, at_once=1)
    assert set(seconds) == {"a", "b"}
    assert (tmp_path / "logs" / "b.log").read_text().strip() == "b"


def test_a_failed_job_shows_the_end_of_its_log_and_stops_the_others(tmp_path):
    jobs = [
        Job("bad", [sys.executable, "-c", "raise SystemExit('no disk')"], tmp_path / "bad.log"),
        Job("long", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "long.log"),
    ]
    with pytest.raises(ValueError, match=r"bad ended with status 1.*\n  no disk"):
        run_jobs(jobs, at_once=2)


def test_a_wrong_data_folder_is_one_line(tmp_path, capsys):
    assert main(["demo", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "expected a folder with train/" in capsys.readouterr().err


@pytest.mark.slow
def test_demo_from_start_to_end_and_again(tmp_path, capsys, monkeypatch):
    small = BrickSet(size=(128, 128), train=6, val=1, test=3)
    monkeypatch.setattr("seglosses.demo.command.BRICKS", small)
    words = ["demo", "--iters", "8", "--out", str(tmp_path)]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert "ce_dice_cldice: to be trained" in first
    table = (tmp_path / "summary.csv").read_text()
    losses = [line.split(",")[0] for line in table.splitlines()[1:]]
    assert losses.count("ce_dice") == losses.count("ce_dice_cldice") > 5
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert main(words) == 0
    assert "ce_dice_cldice: reused" in capsys.readouterr().out
    assert (tmp_path / "summary.csv").read_text() == table
