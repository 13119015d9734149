from __future__ import annotations

import sys

import pytest

from seglosses.benchmark.checkout import ROOT
from seglosses.benchmark.processes import Job, run_jobs
from seglosses.cli import main
from seglosses.demo.runs import Setting, plan


def setting(data, **changes):
    leaf = ROOT / "configs" / "bricks" / "unet_128.py"
    options = {"leaf": leaf, "data": data, "labels": "accurate", "iters": 4, "seed": 0}
    return Setting(**{**options, **changes})


def state(tmp_path, *, fresh=False, **changes):
    (run,) = plan(tmp_path, ["ce"], setting(tmp_path, **changes))
    return run.prepare(fresh=fresh), run


def test_what_is_there_is_reused_step_by_step(tmp_path):
    found, run = state(tmp_path)
    assert found == "new"
    (run.folder / "iter_2.pth").touch()
    assert state(tmp_path)[0] == "begun"
    run.checkpoint.touch()
    assert state(tmp_path)[0] == "trained"
    run.tested.mkdir()
    (run.tested / "scores.json").touch()
    assert state(tmp_path)[0] == "tested"


@pytest.mark.parametrize("changes", [{"seed": 1}, {"labels": "noisy"}, {"iters": 5}])
def test_another_setting_trains_anew(tmp_path, changes):
    _, run = state(tmp_path)
    run.checkpoint.touch()
    assert state(tmp_path, **changes)[0] == "new"
    assert not run.checkpoint.exists()


def test_other_data_trains_anew(tmp_path):
    _, run = state(tmp_path)
    run.checkpoint.touch()
    (tmp_path / "more.png").write_bytes(b"1")
    assert state(tmp_path)[0] == "new"


def test_fresh_trains_anew(tmp_path):
    _, run = state(tmp_path)
    run.checkpoint.touch()
    assert state(tmp_path, fresh=True)[0] == "new"


@pytest.mark.parametrize("losses", [["nosuch"], ["ce", "ce"], []])
def test_losses_are_checked_before_anything_runs(tmp_path, losses):
    with pytest.raises(ValueError, match=r"expected different losses among .*ce_dice"):
        plan(tmp_path, losses, setting(tmp_path))


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
    from seglosses.datasets.write import BrickSet

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
