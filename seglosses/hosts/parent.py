"""How processes end: with the one that started them, and by a signal as by an error."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def end_with_parent(parent: int) -> None:
    """Stop this process and those that it started when its parent is gone.

    So a new one can take its work over.

    Args:
        parent: Id of the process that started this one, which may be gone by now.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        for child in multiprocessing.active_children():
            child.kill()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Let SIGTERM end this process as an error would, so that it lets go of what it holds.

    Schedulers send it before they take a machine away, and another one may go on at once. Only
    the main thread can do so; in others nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() == own:
            raise SystemExit(128 + number)
        # one that was forked off, as to load data, holds nothing
        os._exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
