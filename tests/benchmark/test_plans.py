"""What a start makes of runs that are there: goes on, leaves alone, or refuses."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from seglosses.benchmark.checkout import digest
from seglosses.benchmark.claims import TAKEN, claimed
from seglosses.benchmark.processes import Job
from seglosses.cli import main
from tests.benchmark.planned_runs import finish, planned


def test_what_is_begun_goes_on_unless_it_is_another_run(bricks: Path, tmp_path: Path) -> None:
    pytest.importorskip("mmengine")
    first = planned(bricks, tmp_path)[0]
    assert "seglosses.benchmark.worker" in first.job().command
    checkpoint = first.folder / "iter_2.pth"
    checkpoint.touch()
    planned(bricks, tmp_path)[0].job()
    assert checkpoint.is_file()
    with pytest.raises(ValueError, match="begun with another config or other data; take another"):
        planned(bricks, tmp_path, iters=5)[0].job()
    assert checkpoint.is_file()
    checkpoint.unlink()
    other = planned(bricks, tmp_path, iters=5)[0]
    other.job()
    assert json.loads((first.folder / "card.json").read_text()) == other.card, "only planned"


def test_a_run_that_another_process_works_on_is_left_alone(bricks: Path, tmp_path: Path) -> None:
    pytest.importorskip("mmengine")
    first, other = planned(bricks, tmp_path)[0], planned(bricks, tmp_path, iters=5)[0]
    first.job()
    (first.folder / "log.txt").write_text("Iter(train) [1/4]")
    (first.folder / "card.json").write_text(json.dumps({**first.card, "commit": "older"}))
    before = sorted((path.name, path.read_text()) for path in first.folder.iterdir())
    with claimed(first.folder):
        for change in (other.job, other.forget):
            with pytest.raises(ValueError, match=f"process {os.getpid()} on .* works on it"):
                change()
        first.job()  # its card and log are those of the one that trains
    assert sorted((path.name, path.read_text()) for path in first.folder.iterdir()) == before


def test_out_within_data_is_resumed(bricks: Path, tmp_path: Path) -> None:
    pytest.importorskip("mmengine")
    data = tmp_path / "data"
    shutil.copytree(bricks, data)
    first = planned(data, data / "runs")[0]
    finish(first)
    first.tested.mkdir()
    shutil.copy(next(bricks.rglob("*.png")), first.tested / "prediction.png")
    assert planned(data, data / "runs")[0].finished()
    assert first.card["stamp"] == planned(bricks, tmp_path / "out")[0].card["stamp"]


def test_the_digest_of_data_stays_as_it_was(tmp_path: Path) -> None:
    """Runs of older versions are resumed: names and sizes of the images of the three splits."""
    total = hashlib.sha256()
    for name in ("test/images/1.png", "train/accurate/2.png", "train/images/10.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"abc")
        total.update(name.encode() + b"3")
    assert digest(tmp_path) == total.hexdigest()[:16]


def fake_jobs(monkeypatch: pytest.MonkeyPatch, done: set[str]) -> None:
    """Runs that take no time; those in `done` get scores, others are another process's."""

    def run_them(jobs: list[Job], **_: object) -> dict[str, float]:
        for job in jobs:
            folder = job.log.parent
            if job.name in done:
                shutil.copy(folder / "card.json", folder.with_name(folder.name + ".json"))
                folder.with_name(folder.name + ".csv").write_text("ID\n")
        return dict.fromkeys(done, 1.0)

    # by its place: the package has a function of this name
    monkeypatch.setattr(sys.modules["seglosses.benchmark.run"], "run_jobs", run_them)


@pytest.mark.parametrize(("seeds", "left"), [("0, 2", ["ce seed 2"]), ("0", [])])
def test_runs_that_are_done_elsewhere_are_counted(
    bricks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seeds: str,
    left: list[str],
) -> None:
    pytest.importorskip("mmseg")
    fake_jobs(monkeypatch, {"ce seed 0"})
    out = tmp_path / "a b"
    words = ["--data", str(bricks), "--out", str(out), "--losses", "ce", "--seeds", seeds]
    status = main(["benchmark", "run", *words])
    printed = capsys.readouterr().out
    if left:
        assert status == TAKEN
        assert f"1 of 2 runs is being done elsewhere: {left[0]}\n" in printed
        assert "benchmark report" not in printed
    else:
        assert status == 0
        assert shlex.split(printed.splitlines()[-1])[:4] == [
            *("seglosses", "benchmark", "report", str(out)),
        ]


@pytest.mark.parametrize("state", ["finished", "begun"])
def test_a_seed_beside_those_of_another_config_is_refused(
    bricks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    state: str,
) -> None:
    """Their scores would be averaged."""
    pytest.importorskip("mmseg")
    fake_jobs(monkeypatch, {"ce seed 0", "ce seed 1"} if state == "finished" else set())
    words = ["--data", str(bricks), "--out", str(tmp_path / "out"), "--losses", "ce", "--iters"]
    main(["benchmark", "run", *words, "4", "--seeds", "0"])
    place = tmp_path / "out/supervised/accurate/large/ce"
    if state == "begun":
        (place / "0" / "iter_2.pth").touch()
    assert main(["benchmark", "run", *words, "5", "--seeds", "1"]) == 2
    assert "another config or other data; take another --out" in capsys.readouterr().err
    assert not (place / "1").exists()
    assert main(["benchmark", "run", *words, "4", "--seeds", "1"]) == (
        0 if state == "finished" else TAKEN
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--losses", "nosuch"], "or paths of .py files; got nosuch"),
        (["--seeds", "x"], "expected seeds as 0-9"),
        (["--data", "nowhere"], "expected a folder with train/"),
        (["--profile", "paper"], "needs a GPU"),
        (["--profile", "paper", "--gpus", "none", "--plan"], "needs a GPU"),
        (["--jobs", "0", "--plan"], "--jobs of at least 1, got 0"),
        (["--gpus", ""], "expected names as 0,1, or none, got ''"),
        (["--gpus", ","], "expected names as 0,1, or none, got ','"),
        (["--iters", "0"], "--iters of at least 1, got 0"),
        (["--iters", "-3", "--plan"], "--iters of at least 1, got -3"),
    ],
)
def test_wrong_options_say_what_to_do(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    try:
        status = main(["benchmark", "run", "--out", str(tmp_path), *words])
    except SystemExit as error:
        status = error.code  # type: ignore[assignment]
    assert status == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss_decode = [\ndict(type=]", ", line 2: "),
        ("loss_decode = [dict(type='seglosses.NoLoss')]", "NoLoss is not in the "),
        ("loss_decode = [dict(type='seglosses.DiceLoss', nope=1)]", "does not take 'nope'"),
        ("loss_decode = [dict(type='seglosses.DiceLoss', smooth=-1)]", "smooth must lie in"),
        ("loss_decode = [dict(type=DiceLoss)]", "'DiceLoss' is not defined"),
    ],
)
def test_wrong_mixins_are_named_before_any_training(
    bricks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    pytest.importorskip("mmseg")
    own = tmp_path / "own.py"
    own.write_text(text)
    words = ["--data", str(bricks), "--out", str(tmp_path / "runs"), "--losses", f"ce,{own}"]
    assert main(["benchmark", "run", *words]) == 2
    error = capsys.readouterr().err
    assert f"{own}" in error
    assert message in error
    assert not list((tmp_path / "runs").rglob("card.json"))


def test_a_plan_leaves_the_scope_of_the_process_alone(bricks: Path, tmp_path: Path) -> None:
    """What a program builds after it, by names without a library, is what it was before."""
    pytest.importorskip("mmseg")
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope("mmengine"):
        assert planned(bricks, tmp_path / "runs")
        scope = DefaultScope.get_current_instance()
        assert scope is not None
        assert scope.scope_name == "mmengine"
