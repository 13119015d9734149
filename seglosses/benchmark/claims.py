"""One process per run, also when several machines share the folder.

Locks of files do not reach other machines on every file system, so a claim is a file that only one
process can create; its owner touches it while it works. A claim that nobody has touched for long is
left over from a process that died, and the next one takes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

NAME = "claim.json"
BEAT = 20.0
"""Seconds between two touches of a claim."""
STALE = 180.0
"""Seconds without a touch after which a claim is left over."""
SILENCE = STALE + 2 * BEAT
"""Seconds in which any claim is touched, or is left over."""
TAKEN = 75
"""Exit status of a worker whose run belongs to another process."""
_CLOCK = ".clock."


class TakenError(ValueError):
    """Another process works on the run; its text says which."""


@contextmanager
def claimed(
    folder: Path,
    *,
    beat: float = BEAT,
    stale: float = STALE,
    patience: float = 0.0,
    silence: float = 0.0,
    lost: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold the claim on a folder.

    Args:
        folder: Of a run.
        beat: Seconds between two touches.
        stale: Age from which a claim is left over.
        patience: Seconds to wait for another process that holds it.
        silence: Seconds to wait for one that does not touch it meanwhile: it may be dead.
        lost: Called when another process has taken the claim, as after a machine slept; None ends
            this process, which must not write beside the other.

    Raises:
        TakenError: Another process holds it.
    """
    path, token = folder / NAME, uuid.uuid4().hex
    begun, first = time.monotonic(), _touched(path)
    while True:
        try:
            _take(path, token, stale)
            break
        except TakenError:
            still = _touched(path) in (first, None)
            if time.monotonic() - begun >= (max(patience, silence) if still else patience):
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


def belongings(folder: Path) -> Iterator[Path]:
    """What lies in a folder beside claims and what they are made with.

    Args:
        folder: Which may be claimed.

    Yields:
        Files and folders.
    """
    for path in folder.iterdir():
        if path.name != NAME and not path.name.startswith((f".{NAME}.", _CLOCK)):
            yield path


def empty(folder: Path) -> None:
    """Delete what lies in a folder, but for the claim.

    Args:
        folder: Claimed by this process.
    """
    for path in belongings(folder):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _end() -> None:
    os._exit(TAKEN)


def _take(path: Path, token: str, stale: float) -> None:
    pid = os.getpid()
    owner = {"token": token, "pid": pid, "since": _started(pid), **_here()}
    for _ in range(20):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            _free(path, stale)
            continue
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(owner, file)
        except BaseException:
            # on a full disk, say: an empty claim would keep others out
            path.unlink(missing_ok=True)
            raise
        return
    raise TakenError(f"other processes keep taking and leaving {path}")


def _free(path: Path, stale: float) -> None:
    """Remove a claim that is left over; the error says whose it is where it is not."""
    owner = _read(path)
    try:
        age = _now(path.parent) - path.stat().st_mtime
    except FileNotFoundError:
        return
    # who has just made a claim writes its name into it at once
    left = _is_dead(owner) if owner else age >= BEAT
    if age < stale and not left:
        raise TakenError(f"{_owner(path)} works on it, {path} was touched {max(0, age):.0f} s ago")
    aside = path.with_name(f".{NAME}.{uuid.uuid4().hex}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if _token(aside) != owner.get("token"):
        # between look and rename another took it: it is not left over, and goes back
        with contextlib.suppress(OSError):
            os.link(aside, path)
    aside.unlink(missing_ok=True)


def _is_dead(owner: Mapping[str, object]) -> bool:
    """Whether the owner was a process that could be seen here, and is gone."""
    pid, here = owner.get("pid"), _here()
    if not isinstance(pid, int) or {key: owner.get(key) for key in here} != here:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    # ids are used again: another process may have it by now
    since = _started(pid)
    return since != "" and owner.get("since") != since


def _here() -> dict[str, str]:
    """Where ids of processes mean what they mean to this one; containers can share a host name."""
    where = {"host": socket.gethostname(), "boot": "", "space": ""}
    with contextlib.suppress(OSError):  # neither is there outside of Linux
        where["boot"] = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        where["space"] = os.readlink("/proc/self/ns/pid")
    return where


def _started(pid: int) -> str:
    """When a process began, in ticks since the boot; empty where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]  # the name, in brackets, may hold anything


def _touched(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _now(folder: Path) -> float:
    """The clock of the file system, which stamps the touches of other machines too."""
    probe = folder / f"{_CLOCK}{uuid.uuid4().hex}"
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
