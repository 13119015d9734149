"""``seglosses benchmark report``: from the scores of runs to tables and figures."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from seglosses.benchmark.comparison import Row, Stat, compare
from seglosses.benchmark.convergence import convergence_note
from seglosses.benchmark.page import write_page
from seglosses.benchmark.results import METRICS, TABLE_METRICS, read_group_file, read_results
from seglosses.benchmark.settings import Setting, settings
from seglosses.benchmark.tables import as_latex, as_markdown, write_csv
from seglosses.evaluate.arguments import add_figures
from seglosses.report.figures import write_figures

_COMMON = (
    "ID: test images like the training set; OOD: the other groups, every group counting alike.",
    "HD95 9999999, how published files mark an empty prediction, counts as the image diagonal.",
)
_NOTES: dict[Stat, tuple[str, ...]] = {
    "paper": (
        "TopoMortar's protocol: mean ± standard deviation over images x seeds (of OOD: means over"
        " the groups); bold where the mean is better at two decimals and p < 0.05.",
        "p: one-sided random sign flips over images x seeds, uncorrected. It takes the seeds of an"
        " image for independent images and does not count how many tests were made; use --stat"
        " image for claims.",
    ),
    "image": (
        "Seeds are averaged first: mean ± standard deviation over images (of OOD: means over the"
        " groups).",
        "p over images: two-sided sign flips, all patterns of signs where there are no more than"
        " flips, or else random ones, (k + 1) / (n + 1). Holm: corrected for all"
        " losses and metrics of the set. Bold: better on average, corrected p < 0.05, and the"
        " interval of the change over runs does not hold 0. †: the same without the last: better"
        " on these images, and another training may not be.",
        "Change over runs: mean difference of runs with the same seed, with Student's 95 %"
        " interval. It answers whether another training would show the same; p over images answers"
        " whether other images would.",
        "Cliff's δ: over pairs of images, how often the loss is better minus how often it is"
        " worse. Median ratio: median over images, divided by that of the baseline.",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.
    """
    add = parser.add_argument
    add("runs", type=Path, metavar="RUNS",
        help="folder with <framework>/<labels>/<size>/<loss>/<seed>.csv")  # fmt: skip
    add("--out", type=Path, required=True, metavar="DIR", help="folder for tables and report")
    add("--baseline", default="CEDice", metavar="LOSS", help="the loss to compare with (CEDice)")
    add("--with-published", type=Path, metavar="DIR",
        help="results folder of TopoMortar, to compare with runs of the same setting")  # fmt: skip
    add("--stat", choices=tuple(_NOTES), default="image",
        help="image (default): each image counts once; paper: as published")  # fmt: skip
    add("--metrics", nargs="+", choices=tuple(METRICS), default=list(TABLE_METRICS),
        metavar="NAME", help=f"columns to report, of {', '.join(METRICS)}")  # fmt: skip
    add("--data", type=Path, metavar="DIR",
        help="folder with dataset_types.txt; by default RUNS or the published folder")  # fmt: skip
    add("--names", type=_names, default={}, metavar="A=B,...",
        help="names of losses to show: ce_dice=CE + Dice,ce_dice_cldice=+ clDice")  # fmt: skip
    add_figures(parser)
    add("--flips", type=int, default=10_000, help="number of sign flips (10000)")


def run(args: argparse.Namespace) -> int:
    """Read, compare, write, and print the tables.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status.
    """
    rows = report(
        args.runs,
        args.out,
        baseline=args.baseline,
        published=args.with_published,
        stat=args.stat,
        metrics=args.metrics,
        data=args.data,
        flips=args.flips,
        names=args.names,
        figures=args.figures,
    )
    print((args.out / "tables.md").read_text(encoding="utf-8"))
    print(f"{len(rows)} rows in {args.out / 'table.csv'}; {args.out / 'report.html'}")
    return 0


def _names(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not name.strip() or not shown.strip() for name, _, shown in pairs):
        raise argparse.ArgumentTypeError(f"expected loss=name,loss=name, got {text!r}")
    return {name.strip(): shown.strip() for name, _, shown in pairs}


def _runs_note(setting: Setting) -> str:
    """What to know of losses with other runs than the baseline; empty where there is none."""
    base = set(setting.baseline.seeds)
    if all(set(one.seeds) == base for one in setting.losses):
        return ""
    listed = "; ".join(f"{one.loss} {_ranges(one.seeds)}" for one in setting.losses)
    alone = [one.loss for one in setting.losses if not base & set(one.seeds)]
    unknown = f" {', '.join(alone)}: none is shared, so that no change over runs is known."
    return (
        f"{setting.name}: not all losses have the runs of the baseline ({listed}). Means are over"
        " all runs of a loss, changes over runs over those that it shares with the baseline."
        f"{unknown if alone else ''}"
    )


def _ranges(seeds: Sequence[str]) -> str:
    """Names of runs, consecutive numbers as a range."""
    parts: list[list[str]] = []
    for seed in seeds:
        last = parts[-1][-1] if parts else ""
        if seed.isdecimal() and last.isdecimal() and int(seed) == int(last) + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return ", ".join(part[0] if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def _data_note(setting: Setting) -> str:
    """Runs whose data differ in names or sizes of files; empty where none do."""
    known = {card["data"] for one in setting.losses for card in one.cards if "data" in card}
    if len(known) < 2:
        return ""
    return (
        f"{setting.name}: runs were trained on {len(known)} folders of data that differ in names or"
        " sizes of files, as the same images do that other libraries have compressed."
    )


def _images_notes(rows: Sequence[Row]) -> list[str]:
    """Where images are left out of changes and tests because a score is undefined."""
    every = {(row.setting, row.set): row.images for row in reversed(rows)}
    return [
        f"{row.setting}, {row.set}: {METRICS[row.metric].title} of {row.loss} is compared on"
        f" {row.images} of {count} images, those that it and the baseline define; its mean is that"
        " of all that it defines."
        for row in rows
        if row.images < (count := every[row.setting, row.set])
    ]


def _unfinished_note(runs: Path) -> list[str]:
    """Runs that were planned or begun and have no scores."""
    cards = sorted(runs.glob("*/*/*/*/*/card.json"))
    folders = [path.parent for path in cards if not Path(f"{path.parent}.csv").is_file()]
    if not folders:
        return []
    listed = ", ".join(folder.relative_to(runs).as_posix() for folder in folders)
    return [f"Without scores, and in no table: {listed}."]


def report(
    runs: Path,
    out: Path,
    *,
    baseline: str = "CEDice",
    published: Path | None = None,
    stat: Stat = "image",
    metrics: Sequence[str] = TABLE_METRICS,
    data: Path | None = None,
    flips: int = 10_000,
    names: Mapping[str, str] | None = None,
    figures: Sequence[str] = (),
) -> list[Row]:
    r"""Write table.csv, tables.md, tables.tex and report.html.

    Args:
        runs: Folder of runs, see :func:`seglosses.benchmark.results.read_results`.
        out: Folder to write to, made when missing.
        baseline: Name of the loss to beat, with or without ``Loss``.
        published: Folder of published runs to stand beside those of the same setting.
        stat: ``'image'`` or ``'paper'``, see :class:`seglosses.benchmark.comparison.Row`.
        metrics: Names of the columns, without the class.
        data: Folder with ``dataset_types.txt``.
        flips: Number of sign flips.
        names: Name to show by name of a loss.
        figures: Formats in which the charts are written to figures/ too.

    Returns:
        The rows of table.csv.

    Raises:
        ValueError: Scores, groups or the baseline are missing, damaged or do not fit, or a name
            is for a loss that is not there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as top:
        ...     _ = (Path(top) / "dataset_types.txt").write_text("ID,group\n071,indistr\n")
        ...     for loss, dice in (("CEDiceLoss", 0.8), ("clDiceLoss", 0.9)):
        ...         folder = Path(top) / "supervised" / "accurate" / "large" / loss
        ...         folder.mkdir(parents=True)
        ...         _ = (folder / "1.csv").write_text(f"ID,Dice_mortar\n071,{dice}\n")
        ...     rows = report(Path(top), Path(top) / "tables", metrics=["Dice"])
        >>> [(row.loss, row.mean) for row in rows]
        [('CEDiceLoss', 0.8), ('clDiceLoss', 0.9)]
    """
    own = read_results(runs, metrics)
    theirs = [] if published is None else read_results(published, metrics)
    named = [runs.parent, data, published, published and published.parent]
    places = [runs, *(place for place in named if place)]
    if data is not None:
        places = [data]
    found = settings(own, theirs, read_group_file(places), baseline)
    known = sorted({scores.loss for one in found for scores in one.losses})
    if unknown := sorted(set(names or {}) - set(known)):
        raise ValueError(
            f"there is no loss {', '.join(unknown)} to give a name to; expected some of"
            f" {', '.join(known)}"
        )
    found = [one.renamed(names or {}) for one in found]
    rows = [row for one in found for row in compare(one, metrics, stat, flips=flips)]
    notes = [
        *_COMMON,
        *_NOTES[stat],
        f"{flips} sign flips, seeded: the same scores give the same p.",
        *filter(None, map(_runs_note, found)),
        *filter(None, map(_data_note, found)),
        *_images_notes(rows),
        *_unfinished_note(runs),
        *filter(None, map(convergence_note, found)),
    ]
    if published is not None:
        joined = {one.folder for one in theirs}
        for one in found:
            if not any(scores.folder in joined for scores in one.losses):
                notes.append(f"No published runs cover {one.name} and its test images.")
    out.mkdir(parents=True, exist_ok=True)
    write_csv(rows, out / "table.csv")
    (out / "tables.md").write_text(as_markdown(rows, stat, notes), encoding="utf-8")
    (out / "tables.tex").write_text(as_latex(rows, stat), encoding="utf-8")
    drawn = write_page(out / "report.html", rows, found, metrics, stat, notes)
    if figures:
        write_figures(out / "figures", drawn, figures)
    return rows
