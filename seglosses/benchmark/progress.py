"""What is said of runs while they train: one line per block of iterations, with the time left."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

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
