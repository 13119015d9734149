"""One run in a process of its own: ``python -m seglosses.benchmark.worker FOLDER PARENT STAMP``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from seglosses.benchmark.cards import read_card, write_at_once
from seglosses.benchmark.claims import SILENCE, TAKEN, TakenError, claimed
from seglosses.benchmark.engines import ENGINES
from seglosses.evaluate.mortar_folder import as_csv, conventions, default_window, score_folder
from seglosses.hosts.parent import end_with_parent, ended_by_signal


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


def main(folder: Path, parent: int | None = None, stamp: str = "") -> int:
    """Do a run unless it is done, or another process works on it.

    Args:
        folder: Of the run.
        parent: Process with which this one ends; None for none.
        stamp: Of the run that was planned; empty for whichever lies there.

    Returns:
        Exit status: 0, :data:`seglosses.benchmark.claims.TAKEN`, or 2 where a later plan put
        another run there.
    """
    if parent is not None:
        end_with_parent(parent)
    # A killed benchmark takes its workers with it within a second. Nobody starts a run again that
    # came by itself, as from a queue, so it waits until a claim that does not move is left over.
    wait = SILENCE if parent is None else 5.0
    try:
        with claimed(folder, silence=wait):
            if stamp not in ("", read_card(folder / "card.json").get("stamp")):
                print(f"{folder}: planned anew with another config; submit the new plan")
                return 2
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
    with ended_by_signal():
        given = sys.argv[1:]
        place, starter, planned = [*given, *("-", "")[len(given) - 1 :]]
        sys.exit(main(Path(place), None if starter == "-" else int(starter), planned))
