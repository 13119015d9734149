"""Claims on runs: of one process at a time, let go, and taken over when they are left over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from seglosses.benchmark import claims, worker
from seglosses.benchmark.claims import NAME, TAKEN, TakenError, claimed


def test_a_claim_keeps_others_out_and_ends(tmp_path: Path) -> None:
    with claimed(tmp_path):
        with pytest.raises(TakenError, match=f"process {os.getpid()} on "), claimed(tmp_path):
            pass
        assert (tmp_path / NAME).is_file()
    assert [path.name for path in tmp_path.iterdir()] == []
    with claimed(tmp_path):
        pass


def write_claim(folder: Path, age: float, **owner: object) -> Path:
    path = folder / NAME
    path.write_text(json.dumps({"token": "old", "host": "elsewhere", "pid": 1, **owner}))
    os.utime(path, (time.time() - age,) * 2)
    return path


def here(**changes: object) -> dict[str, object]:
    """Where this process is, as a claim says it."""
    return {**claims._here(), "pid": os.getpid(), **changes}


def test_a_claim_of_another_machine_is_left_over_after_a_while(tmp_path: Path) -> None:
    write_claim(tmp_path, 100)
    with pytest.raises(TakenError, match="process 1 on elsewhere"), claimed(tmp_path):
        pass
    write_claim(tmp_path, claims.STALE + 5)
    with claimed(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["token"] != "old"


def test_a_claim_of_a_dead_process_here_is_left_over_at_once(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_claim(tmp_path, 0, **here(pid=gone.pid))
    with claimed(tmp_path):
        pass


def test_who_loses_a_claim_stops(tmp_path: Path) -> None:
    told: list[int] = []
    with claimed(tmp_path, beat=0.02, lost=lambda: told.append(1)):
        write_claim(tmp_path, 0)
        time.sleep(0.3)
    assert told == [1]
    assert (tmp_path / NAME).is_file()  # that of the other stays


def test_a_claim_is_touched_while_it_is_held(tmp_path: Path) -> None:
    with claimed(tmp_path, beat=0.02):
        os.utime(tmp_path / NAME, (0, 0))
        time.sleep(0.3)
        assert time.time() - (tmp_path / NAME).stat().st_mtime < 60


def test_of_many_processes_one_works_at_a_time(tmp_path: Path) -> None:
    write_claim(tmp_path, claims.STALE + 5)  # all find one that is left over
    code = """
import pathlib,sys,time
from seglosses.benchmark.claims import TakenError,claimed
top=pathlib.Path(sys.argv[1])
for _ in range(12):
    try:
        with claimed(top):
            mark=top/"inside";mark.touch(exist_ok=False);time.sleep(.02);mark.unlink()
            print("worked")
    except TakenError:
        time.sleep(.01)
"""
    words = [sys.executable, "-c", code, str(tmp_path)]
    several = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = [one.communicate(timeout=120)[0] for one in several]
    assert [one.returncode for one in several] == [0] * 4
    assert sum(text.count("worked") for text in outputs) >= 4
    assert not (tmp_path / NAME).exists()


def prepared(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps({"stamp": "s"}))
    return folder


def test_a_worker_does_a_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, done = prepared(tmp_path / "ce" / "0"), []

    def work(place: Path) -> None:
        done.append(place)
        assert worker.main(folder) == TAKEN
        (place.parent / "0.csv").write_text("ID\n")
        (place.parent / "0.json").write_text(json.dumps({"stamp": "s"}))

    monkeypatch.setattr(worker, "work", work)
    assert [worker.main(folder), worker.main(folder)] == [0, 0]
    assert done == [folder]
    # scores of another run do not count
    (folder / "card.json").write_text(json.dumps({"stamp": "other"}))
    assert worker.main(folder) == 0
    assert done == [folder, folder]


def test_what_waits_in_a_queue_does_what_was_planned_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, done = prepared(tmp_path / "ce" / "0"), []
    monkeypatch.setattr(worker, "work", done.append)
    assert worker.main(folder, stamp="older") == 2
    assert "planned anew with another config" in capsys.readouterr().out
    assert done == []
    # a command of an older version says no stamp
    assert [worker.main(folder, stamp="s"), worker.main(folder)] == [0, 0]
    assert done == [folder, folder]


def test_who_waits_in_a_queue_outlasts_a_claim_that_does_not_move(tmp_path: Path) -> None:
    write_claim(tmp_path, 0)
    with pytest.raises(TakenError), claimed(tmp_path, stale=2.0):
        pass
    with claimed(tmp_path, stale=2.0, silence=30.0):
        assert json.loads((tmp_path / NAME).read_text())["token"] != "old"


def test_nobody_waits_for_a_claim_that_is_touched(tmp_path: Path) -> None:
    begun = time.monotonic()
    with claimed(tmp_path, beat=0.1), pytest.raises(TakenError), claimed(tmp_path, silence=60.0):
        pass
    assert time.monotonic() - begun < 30


def test_a_run_that_came_by_itself_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def claimed(folder: Path, *, silence: float) -> Any:
        waits.append(silence)
        raise TakenError("taken")

    monkeypatch.setattr(worker, "claimed", claimed)
    monkeypatch.setattr(worker, "end_with_parent", lambda parent: None)
    assert [worker.main(tmp_path), worker.main(tmp_path, 1)] == [TAKEN, TAKEN]
    assert waits[0] > claims.STALE > waits[1]


def test_a_worker_lets_its_claim_go_on_sigterm(tmp_path: Path) -> None:
    """As a scheduler ends it, so that another machine goes on at once; a fork leaves it alone."""
    folder = prepared(tmp_path / "ce" / "0")
    code = """
import os,signal,sys,time
from pathlib import Path
from seglosses.benchmark import worker
from seglosses.hosts.parent import ended_by_signal
def work(folder):
    child=os.fork()
    if not child:
        os.kill(os.getpid(),signal.SIGTERM);time.sleep(60)
    os.waitpid(child,0)
    assert (folder/"claim.json").is_file()
    (folder/"begun").touch();time.sleep(60)
worker.work=work
with ended_by_signal():
    sys.exit(worker.main(Path(sys.argv[1])))
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)])
    deadline = time.monotonic() + 60
    while not (folder / "begun").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert not (folder / NAME).exists()


@pytest.mark.parametrize("changes", [{"space": "pid:[1]"}, {"boot": "another"}])
def test_a_container_with_our_host_name_is_another_machine(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_claim(tmp_path, 10, **here(pid=gone.pid, **changes))
    with pytest.raises(TakenError), claimed(tmp_path):
        pass


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_an_id_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    write_claim(tmp_path, 10, **here(since="1"))
    with claimed(tmp_path):
        pass
    write_claim(tmp_path, 10, **here(since=claims._started(os.getpid())))
    with pytest.raises(TakenError), claimed(tmp_path):
        pass


def test_an_empty_claim_has_no_owner(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.touch()
    with pytest.raises(TakenError), claimed(tmp_path):
        pass  # its maker may be about to write its name
    os.utime(path, (time.time() - claims.BEAT - 5,) * 2)
    with claimed(tmp_path):
        pass


def test_a_full_disk_leaves_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(OSError, match="No space left"), claimed(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
