"""Make the tables of docs/leaderboard.md from the scores of runs.

    python tools/leaderboard.py                                  # ours, from docs/evidence/runs
    python tools/leaderboard.py --published topomortar_results   # TopoMortar's rows as well

A comment in the page says what its next table shows: ``<!-- ours: cracks_long -->`` the runs of
``docs/evidence/runs/cracks_long``, ``<!-- published: large ID -->`` a set of the published results.
What is not asked for is left as it is.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from seglosses.benchmark.comparison import Row, Stat
from seglosses.benchmark.report import report
from seglosses.benchmark.results import METRICS, TABLE_METRICS, Scores, read_results

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "leaderboard.md"
RUNS = ROOT / "docs" / "evidence" / "runs"
MARK = re.compile(r"(<!-- (ours|published): ([\w ]+) -->\n\n)((?:\|.*\n)*)\n?")
#: Published losses under the names of ours.
NAMES = {
    "CEDiceLoss": "CE + Dice (CEDice)",
    "CESkeletonRecallLoss": "Skeleton Recall",
    "MSETopoWinLoss": "TOPO (MSETopoWin)",
    "RegionWiseLoss": "region-wise (RRWLoss)",
    "TopoLoss": "TopoLoss",
    "WarpingLoss": "warping",
    "cbDiceLoss": "cbDice",
    "clDiceLoss": "clDice",
}
#: What the published cards do not say.
PAPER_ITERATIONS = 12000


def ours(name: str) -> str:
    """The table of a folder of runs, the lowest Betti-0 error first."""
    scores = read_results(RUNS / name)
    baseline = "ce_dice"
    return _table(scores, _rows(RUNS / name, baseline, "image", flips=100), "ID", _own)


def published(folder: Path, size: str, chosen: str) -> str:
    """The table of a set of the published results, stars where they are bold."""
    setting = f"supervised/accurate/{size}"
    scores = [each for each in read_results(folder) if each.setting == setting]
    rows = _rows(folder, "CEDice", "paper", flips=10_000)
    return _table(scores, [row for row in rows if row.setting == setting], chosen, _theirs)


def _rows(folder: Path, baseline: str, stat: Stat, *, flips: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as out:
        return report(folder, Path(out), baseline=baseline, stat=stat, flips=flips)


def _own(row: Row) -> str:
    digits = METRICS[row.metric].digits
    return f"{row.mean:.{digits}f} ± {row.std:.{digits}f}"


def _theirs(row: Row) -> str:
    return f"{round(row.mean, 2)} ± {round(row.std, 2)}{' *' if row.bold else ''}"


def _table(
    scores: Iterable[Scores], rows: list[Row], chosen: str, shown: Callable[[Row], str]
) -> str:
    heads = ["loss", "by", "px", "iterations", "seeds", *(METRICS[m].title for m in TABLE_METRICS)]
    lines = []
    for each in scores:
        mine = {row.metric: row for row in rows if (row.loss, row.set) == (each.loss, chosen)}
        card = each.cards[0]
        by = f"seglosses {card['version']}" if "version" in card else "published"
        cells = [NAMES.get(each.loss, f"`{each.loss}`"), by, str(each.image_size[0])]
        cells += [str(card.get("iters", PAPER_ITERATIONS)), str(len(each.seeds))]
        cells += [shown(mine[metric]) for metric in TABLE_METRICS]
        lines.append((mine["Betti0Error"].mean, f"| {' | '.join(cells)} |\n"))
    rule = "|---|---|" + "---:|" * (len(heads) - 2)
    return "".join([f"| {' | '.join(heads)} |\n{rule}\n", *(line for _, line in sorted(lines))])


def remade(page: str, folder: Path | None = None) -> str:
    """The page with its tables made anew.

    Args:
        page: Text with marks.
        folder: Of the published results; without one their tables stay.
    """

    def made(found: re.Match[str]) -> str:
        mark, kind, name, table = found.groups()
        if kind == "ours":
            table = ours(name)
        elif folder is not None:
            table = published(folder, *name.split())
        return f"{mark}{table}\n"  # a blank line ends the table

    return MARK.sub(made, page)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--published", type=Path, metavar="DIR")
    args = parser.parse_args()
    PAGE.write_text(remade(PAGE.read_text(encoding="utf-8"), args.published), encoding="utf-8")


if __name__ == "__main__":
    main()
