"""What is said of runs while they train: one line per block of iterations, with the time left."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_END = 2**14
_STEP = re.compile(rb"Iter\(train\) +\[ *(\d+)/(\d+)\]")
BLOCKS = 20
"""Lines of a whole training, at most."""


def last_step(log: bytes) -> tuple[int, int] | None:
    """The last ``Iter(train) [ 50/300]`` of a log.

    Args:
        log: Of mmengine.

    Returns:
        Iterations done, and all of them; None before the first.

    Example:
        >>> last_step(b"Iter(train) [ 50/300]  lr: 1 .. Iter(train) [100/300]  lr: 1")
        (100, 300)
    """
    steps = _STEP.findall(log)
    return (int(steps[-1][0]), int(steps[-1][1])) if steps else None


@dataclass
class Progress:
    """How far one run is.

    Args:
        name: Of the run, with its GPU.
        clock: Seconds.
    """

    name: str
    clock: float = field(default_factory=time.monotonic)
    _first: tuple[int, float] | None = None
    _said: int = 0

    def line(self, log: bytes, now: float) -> str | None:
        """What to print, None when no block of iterations has passed since the last line.

        Args:
            log: All of it, or its end.
            now: Seconds, of the same clock.

        Returns:
            A line with the iterations, the time since the start and the time left.

        Example:
            >>> progress = Progress("ce seed 0", clock=0.0)
            >>> progress.line(b"Iter(train) [ 50/300]", 60.0)
            'ce seed 0: 50 of 300 iterations, 1 min'
            >>> progress.line(b"Iter(train) [ 51/300]", 61.0) is None
            True
            >>> progress.line(b"Iter(train) [100/300]", 120.0)  # 50 in a minute, 200 are left
            'ce seed 0: 100 of 300 iterations, 2 min, 4 min left'
        """
        step = last_step(log)
        if step is None:
            return None
        done, total = step
        if self._first is None:
            self._first = (done, now)
        elif done < total and done - self._said < max(1, total // BLOCKS):
            return None
        if done == self._said:
            return None
        self._said = done
        start, since = self._first
        text = f"{self.name}: {done} of {total} iterations, {duration(now - self.clock)}"
        if done > start and done < total:
            text += f", {duration((total - done) * (now - since) / (done - start))} left"
        return text + (", is tested" if done == total else "")


def end_of(log: Path, since: int = 0) -> bytes:
    """The end of a log, in which the last step stands.

    Args:
        log: A file that another process writes.
        since: Bytes at its begin that are of no interest.

    Returns:
        At most 16 KiB; nothing of a log that is not there.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(since, file.seek(0, os.SEEK_END) - _END))
            return file.read()
    except OSError:
        return b""


class Watch:
    """Lines of runs that other machines start, read from their logs while they grow.

    Args:
        logs: Log of each run by its name.
        say: Takes the lines.
        beat: Seconds between two looks.
    """

    def __init__(
        self, logs: Mapping[str, Path], say: Callable[[str], None], beat: float = 5.0
    ) -> None:
        self._logs = dict(logs)
        self._since = {name: _size(log) for name, log in logs.items()}
        self._say, self._beat = say, beat
        self._known: dict[str, Progress] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def ended(self, name: str) -> None:
        """Say nothing more of a run.

        Args:
            name: Its name.
        """
        self._logs.pop(name, None)

    def under_way(self) -> list[str]:
        """Names of the runs that have begun and have not ended."""
        return [name for name, log in self._logs.items() if _size(log) > self._since[name]]

    def _look(self) -> None:
        while not self._done.wait(self._beat):
            for name, log in list(self._logs.items()):
                text = end_of(log, self._since[name])
                if text:
                    progress = self._known.setdefault(name, Progress(name))
                    line = progress.line(text, time.monotonic())
                    if line is not None:
                        self._say(line)


def _size(log: Path) -> int:
    return log.stat().st_size if log.is_file() else 0


def duration(seconds: float) -> str:
    """A time for readers.

    Args:
        seconds: Not negative.

    Returns:
        A text.

    Example:
        >>> duration(42), duration(90), duration(7300)
        ('42 s', '2 min', '2 h 2 min')
    """
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
