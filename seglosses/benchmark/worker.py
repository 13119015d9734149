"""One run in a process of its own: ``python -m seglosses.benchmark.worker FOLDER [PARENT]``."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from seglosses.benchmark.cards import read_card, write_at_once
from seglosses.benchmark.claims import TAKEN, TakenError, claimed
from seglosses.benchmark.engines import ENGINES
from seglosses.evaluate.mortar_folder import as_csv, conventions, default_window, score_folder


def work(folder: Path) -> None:
    """Train, test, score, and write the scores; each step is done once.

    Args:
        folder: Made by :meth:`seglosses.benchmark.plan.Run.job`; the scores go beside it.
    """
    known = read_card(folder / "card.json")
    cost = ENGINES[known.get("engine", "mmseg")].train_and_test(folder)
    rows, sizes = score_folder(folder / "test")
    card = {**known, **cost}
    largest = [max(sides) for sides in zip(*sizes, strict=True)]
    card |= {"image_size": largest, "image_sizes": len(sizes), "images": len(rows)}
    card["conventions"] = conventions(default_window(*sizes))
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


def main(folder: Path, parent: int | None = None) -> int:
    """Do a run unless it is done, or another process works on it.

    Args:
        folder: Of the run.
        parent: Process with which this one ends; None for none.

    Returns:
        Exit status: 0, or :data:`seglosses.benchmark.claims.TAKEN`.
    """
    if parent is not None:
        end_with_parent(parent)
    try:
        # a killed benchmark takes its workers with it within a second
        with claimed(folder, patience=0.0 if parent is None else 5.0):
            if is_finished(folder):
                print(f"{folder}: finished before")
                return 0
            work(folder)
    except TakenError as error:
        print(f"{folder}: {error}")
        return TAKEN
    return 0


def is_finished(folder: Path) -> bool:
    """Whether the scores beside a folder are those of the run in it.

    Args:
        folder: Of a run.

    Returns:
        False for scores of another run, which are replaced.
    """
    known = read_card(folder.with_name(folder.name + ".json")).get("stamp")
    scores = folder.with_name(folder.name + ".csv")
    return scores.is_file() and known == read_card(folder / "card.json").get("stamp")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None))
