"""One run in a process of its own: ``python -m seglosses.benchmark.worker FOLDER PARENT``."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from seglosses.benchmark.results import read_card, write_at_once
from seglosses.benchmark.scores import as_csv, conventions, default_window, score_folder
from seglosses.hosts.openmmlab.training import train_and_test


def work(folder: Path) -> None:
    """Train, test, score, and write the scores; each step is done once.

    Args:
        folder: Made by :meth:`seglosses.benchmark.plan.Run.job`; the scores go beside it.
    """
    cost = train_and_test(folder / "config.py", folder / "test")
    rows, size = score_folder(folder / "test")
    card = {**read_card(folder / "card.json"), **cost}
    card |= {"image_size": list(size), "images": len(rows)}
    card["conventions"] = conventions(default_window(size))
    beside = folder.with_name(folder.name + ".json")
    write_at_once(beside, json.dumps(card, indent=2) + "\n")
    write_at_once(folder.with_name(folder.name + ".csv"), as_csv(rows))


def end_with_parent(parent: int) -> None:
    """Stop this process when its parent is gone, so that a new one can take the run over.

    Args:
        parent: Id of the process that started this one, which may be gone by now.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent(int(sys.argv[2]))
    work(Path(sys.argv[1]))
