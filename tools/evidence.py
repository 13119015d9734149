"""Make the tables of docs/evidence.md from the runs that lie beside it.

    python tools/evidence.py                                  # the tables, from docs/evidence/runs
    python tools/evidence.py --take runs/cracks cracks_long   # copy finished runs there first

A comment in the page says what its next table shows: ``<!-- runs: cracks_long -->`` scores of
``docs/evidence/runs/cracks_long``, or changes where the table has columns of p, with ``ID`` or
``OOD`` behind it where a set has both; ``<!-- curves: cracks_long -->`` training losses. Columns,
names of losses and numbers of decimals are those that the table has; losses that it lacks come
last. ``<!-- glance: Betti-0 error -->`` shows every loss on every set in percent of CE + Dice, as
``docs/images/evidence.svg`` draws it; ``<!-- twice: Betti-0 error -->`` sets CE + Dice of twice as
many iterations beside it. What the page says about its tables is for people to write.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from evidence_parts.glance import PICTURE, glance_table, picture
from evidence_parts.runs import PAGE, ROOT, RUNS
from evidence_parts.tables import curves_table, runs_table
from evidence_parts.twice import twice_table

OVERALL = re.compile(r"(<!-- (glance|twice): ([^>]+) -->\n\n)((?:\|.*\n)+)")
MARK = re.compile(r"(<!-- (runs|curves): (\w+)(?: (ID|OOD))? -->\n\n)((?:\|.*\n)+)")


def remade(page: str) -> str:
    """The page with its tables made anew.

    Args:
        page: Text with marks.
    """

    def made(found: re.Match[str]) -> str:
        mark, kind, folder, part, table = found.groups()
        if kind == "curves":
            return mark + curves_table(folder, table)
        return mark + runs_table(folder, part or "ID", table)

    def overall(found: re.Match[str]) -> str:
        return found[1] + (glance_table if found[2] == "glance" else twice_table)(found[3])

    page = OVERALL.sub(overall, page)
    return MARK.sub(made, page)


def take(runs: Path, folder: str) -> int:
    """Copy scores and cards of finished runs to ``docs/evidence/runs``.

    Args:
        runs: Where ``seglosses benchmark run`` wrote to.
        folder: Name to give them.

    Returns:
        How many runs there are.
    """
    target = RUNS / folder
    found = [path for path in runs.glob("*/*/*/*/*.csv") if path.with_suffix(".json").is_file()]
    for path in found:
        place = target / path.relative_to(runs)
        place.parent.mkdir(parents=True, exist_ok=True)
        for each in (path, path.with_suffix(".json")):
            shutil.copyfile(each, place.with_suffix(each.suffix))
    shutil.copyfile(runs / "dataset_types.txt", target / "dataset_types.txt")
    return len(found)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--take", nargs=2, metavar=("RUNS", "FOLDER"))
    args = parser.parse_args()
    if args.take:
        runs, folder = args.take
        print(f"{take(Path(runs), folder)} runs in {(RUNS / folder).relative_to(ROOT)}")
    PAGE.write_text(remade(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
