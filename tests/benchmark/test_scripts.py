"""Runs for schedulers: what is written is what a shell and Slurm do."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from seglosses.benchmark.processes import Job
from seglosses.benchmark.scripts import write_scripts
from seglosses.cli import main


def test_scripts_run_their_runs(tmp_path: Path) -> None:
    """A task of the array does its line, with names that a shell would take apart."""
    top = tmp_path / "a b"
    jobs = [
        Job(name, [sys.executable, "-c", f"print('{name} $HOME')"], top / f"{name}'s.log")
        for name in ("one", "two")
    ]
    commands, array = write_scripts(jobs, top, gpu=False)
    text = array.read_text()
    assert "#SBATCH --array=1-2\n" in text
    assert "gres" not in text
    assert "#SBATCH --gres=gpu:1\n" in write_scripts(jobs, tmp_path, gpu=True)[1].read_text()
    env = {**os.environ, "SLURM_ARRAY_TASK_ID": "2"}
    subprocess.run(["bash", str(array)], check=True, env=env)
    assert not jobs[0].log.exists()
    assert jobs[1].log.read_text() == "two $HOME\n"
    subprocess.run(["bash", "-c", commands.read_text().splitlines()[0]], check=True)
    assert jobs[0].log.read_text() == "one $HOME\n"
    subprocess.run(["bash", str(array)], check=True, env=env)
    assert jobs[1].log.read_text() == "two $HOME\n" * 2, "a log is never replaced"


def test_an_array_that_waits_is_not_changed_by_a_later_plan(tmp_path: Path) -> None:
    first, other = (
        Job(name, [sys.executable, "-c", f"print('{name}')"], tmp_path / f"{name}.log")
        for name in ("first", "other")
    )
    # Slurm keeps a copy of the script
    waiting = write_scripts([first], tmp_path, gpu=False)[1].read_text()
    write_scripts([other], tmp_path, gpu=False)
    env = {**os.environ, "SLURM_ARRAY_TASK_ID": "1"}
    subprocess.run(["bash", "-s"], input=waiting, text=True, check=True, env=env)
    assert first.log.read_text() == "first\n"
    assert not other.log.exists()
    for number in ("2", ""):
        env["SLURM_ARRAY_TASK_ID"] = number
        done = subprocess.run(["bash", "-s"], input=waiting, text=True, check=False, env=env,
                              capture_output=True)  # fmt: skip
        assert done.returncode == 2
        assert "this plan has the runs 1 to 1" in done.stderr


def test_slurm_reads_the_place_of_its_output(tmp_path: Path) -> None:
    (line,) = [
        line
        for line in write_scripts([], tmp_path / 'a "b" 100%', gpu=False)[1].read_text().split("\n")
        if line.startswith("#SBATCH --output=")
    ]
    (word,) = shlex.split(line.removeprefix("#SBATCH "))
    assert word == f'--output={tmp_path}/a "b" 100%%/slurm-%A_%a.out'


def test_the_page_runs_commands_whose_paths_have_spaces(tmp_path: Path) -> None:
    """The line of docs/benchmark.md, word by word."""
    page = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text("utf-8")
    (line,) = [line.partition(" # ")[0] for line in page.splitlines() if line.startswith("xargs ")]
    top = tmp_path / "it's a"
    jobs = [
        Job(name, [sys.executable, "-c", f"print('{name} \\\\ $HOME')"], top / f"{name}.log")
        for name in ("one", "two")
    ]
    write_scripts(jobs, top / "plan", gpu=False)
    subprocess.run(["bash", "-c", line.replace("RUNS", shlex.quote(str(top)))], check=True)
    assert [one.log.read_text() for one in jobs] == ["one \\ $HOME\n", "two \\ $HOME\n"]


def test_the_plan_prepares_every_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mmseg")
    from seglosses.datasets.write import BrickSet, write_dataset

    write_dataset(tmp_path / "bricks", BrickSet(size=(128, 128), train=2, val=1, test=1))
    words = ["--data", str(tmp_path / "bricks"), "--out", str(tmp_path / "runs"), "--plan"]
    # on a machine without a GPU too: those of the cluster count
    assert main(["benchmark", "run", *words, "--profile", "paper", "--seeds", "0-1"]) == 0
    printed = capsys.readouterr().out
    assert "array.sbatch" in printed
    lines = (tmp_path / "runs" / "plan" / "commands.txt").read_text().splitlines()
    assert len(lines) == 4
    for line in lines:
        *_, place, _, stamp = shlex.split(line.split(" >> ")[0])
        folder = Path(place)
        assert (folder / "card.json").is_file()
        assert (folder / "config.py").is_file()
        assert json.loads((folder / "card.json").read_text())["stamp"] == stamp
    assert "--gres=gpu:1" in (tmp_path / "runs" / "plan" / "array.sbatch").read_text()
