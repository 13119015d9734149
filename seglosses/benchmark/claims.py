"""One process per run, also when several machines share the folder.

Locks of files do not reach other machines on every file system, so a claim is a file that only one
process can create; its owner touches it while it works. A claim that nobody has touched for long is
left over from a process that died, and the next one takes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "claim.json"
BEAT = 20.0
"""Seconds between two touches of a claim."""
STALE = 180.0
"""Seconds without a touch after which a claim is left over."""
TAKEN = 75
"""Exit status of a worker whose run belongs to another process."""


class TakenError(Exception):
    """Another process works on the run; its text says which."""


@contextmanager
def claimed(
    folder: Path,
    *,
    beat: float = BEAT,
    stale: float = STALE,
    patience: float = 0.0,
    lost: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold the claim on a folder.

    Args:
        folder: Of a run.
        beat: Seconds between two touches.
        stale: Age from which a claim is left over.
        patience: Seconds to wait for another process that holds it.
        lost: Called when another process has taken the claim, as after a machine slept; None ends
            this process, which must not write beside the other.

    Raises:
        TakenError: Another process holds it.
    """
    path, token = folder / NAME, uuid.uuid4().hex
    end = time.monotonic() + patience
    while True:
        try:
            _take(path, token, stale)
            break
        except TakenError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.5)
    done = threading.Event()

    def keep() -> None:
        while not done.wait(beat):
            if _token(path) != token:
                if not done.is_set():
                    (lost or _end)()
                return
            with contextlib.suppress(OSError):
                os.utime(path)

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if _token(path) == token:
            path.unlink(missing_ok=True)


def _end() -> None:
    os._exit(TAKEN)


def _take(path: Path, token: str, stale: float) -> None:
    owner = {"token": token, "host": socket.gethostname(), "pid": os.getpid()}
    for _ in range(20):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            _free(path, stale)
            continue
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(owner, file)
        return
    raise TakenError(f"other processes keep taking and leaving {path}")


def _free(path: Path, stale: float) -> None:
    """Remove a claim that is left over; the error says whose it is where it is not."""
    before = _token(path)
    try:
        age = _now(path.parent) - path.stat().st_mtime
    except FileNotFoundError:
        return
    if age < stale and not _is_dead(path):
        raise TakenError(f"{_owner(path)} works on it, {path} was touched {max(0, age):.0f} s ago")
    aside = path.with_name(f".{NAME}.{uuid.uuid4().hex}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if _token(aside) != before:
        # between look and rename another took it: it is not left over, and goes back
        with contextlib.suppress(OSError):
            os.link(aside, path)
    aside.unlink(missing_ok=True)


def _is_dead(path: Path) -> bool:
    """Whether the owner was a process of this machine that is gone."""
    known = _read(path)
    pid = known.get("pid")
    if known.get("host") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False


def _now(folder: Path) -> float:
    """The clock of the file system, which stamps the touches of other machines too."""
    probe = folder / f".clock.{uuid.uuid4().hex}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return time.time()
    finally:
        probe.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _token(path: Path) -> object:
    return _read(path).get("token")


def _owner(path: Path) -> str:
    known = _read(path)
    return f"process {known.get('pid', '?')} on {known.get('host', 'another machine')}"
