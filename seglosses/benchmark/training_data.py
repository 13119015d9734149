"""What runs train on: a folder in the TopoMortar layout, or generated bricks."""

from __future__ import annotations

import argparse
from pathlib import Path

from seglosses.datasets.topomortar import LABELS, find_root
from seglosses.datasets.write import BrickSet, write_dataset

BRICKS = BrickSet(size=(128, 128), train=50, val=4, test=12)


def add_data(parser: argparse.ArgumentParser, *, labels: str | None, meaning: str) -> None:
    """Declare the options that say what runs train on.

    Args:
        parser: Parser of the sub-command.
        labels: Which labels by default.
        meaning: The default, for ``--help``.
    """
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR",
        help="folder in the TopoMortar layout; without it, generated bricks")  # fmt: skip
    add("--labels", choices=LABELS, default=labels, help=f"labels to train on ({meaning})")


def training_data(given: Path | None, out: Path, bricks: BrickSet) -> Path:
    """Folder to train on: the one given, or generated bricks.

    Args:
        given: Folder in the TopoMortar layout, or None.
        out: Where ``bricks`` is made.
        bricks: What to make.

    Returns:
        An absolute path.
    """
    if given is not None:
        return find_root(given).resolve()
    written = write_dataset(out / "bricks", bricks)
    print(f"bricks: {written.made} walls made, {written.reused} reused")
    return out / "bricks"
