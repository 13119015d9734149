"""The sub-command `seglosses compare`."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from seglosses.compare.comparison import Comparison, compare
from seglosses.compare.page import write_page
from seglosses.evaluate import Evaluation, IncompleteError, evaluate
from seglosses.evaluate.arguments import add_figures, add_scoring, scoring, words
from seglosses.evaluate.listing import printable
from seglosses.evaluate.warned import warnings_shown
from seglosses.report.figures import file_name, write_figures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> [path.name for path in parser.parse_args(["gt", "a", "b", "--out", "c"]).predictions]
        ['a', 'b']
    """
    parser.description = (
        "Score every folder of predictions as `seglosses evaluate` does, and compare each with the"
        " first: paired differences with intervals and tests, wins and losses by image, class and"
        " size of object, and the images on which they differ most. A second annotator is a folder"
        " like any other."
    )
    add = parser.add_argument
    add("gt_dir", type=Path, metavar="GT", help="folder of true label maps")
    add("predictions", type=Path, nargs="+", metavar="PRED",
        help="two or more folders of predictions, with the same file names")  # fmt: skip
    add("--out", type=Path, required=True, metavar="DIR",
        help="folder for tables and report; it keeps the scores, so that one more folder of"
        " predictions is all that a later run must score")  # fmt: skip
    add("--names", type=words, metavar="A,B", help="names to show, in the order of the folders")
    add("--baseline", metavar="NAME", help="folder to compare the others with (default: the first)")
    add("--pairs", choices=("baseline", "all"), default="baseline",
        help="all: compare every pair (default: each with the baseline)")  # fmt: skip
    add("--by", metavar="METRIC",
        help="metric that chooses the images that differ most (default: all together)")  # fmt: skip
    add(
        "--shown",
        type=int,
        default=4,
        metavar="N",
        help="how many of these images to show (default 4)",
    )
    add("--sizes", type=_sizes, metavar="A,B",
        help="limits of small, medium and large objects, in pixels (default: thirds)")  # fmt: skip
    add("--flips", type=int, default=10_000, metavar="N",
        help="number of sign flips in each test (default 10000)")  # fmt: skip
    add_figures(parser)
    add_scoring(parser)
    add("--probabilities", type=Path, nargs="+", metavar="DIR",
        help="probability maps of each folder, in their order, for calibration")  # fmt: skip
    add("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Score, compare, write and print.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status: 0, 1 when images could not be scored or nothing was there to compare, 130
        when interrupted.
    """
    if len(args.predictions) < 2:
        raise ValueError("expected two folders of predictions or more, got one")
    if args.names is None:
        places = [folder.resolve() for folder in args.predictions]
        if twice := next((one for one in places if places.count(one) > 1), None):
            raise ValueError(f"{printable(twice.as_posix())} is given twice")
    names = args.names or short_names(args.predictions)
    if len(names) != len(args.predictions) or len(set(names)) != len(names):
        raise ValueError(
            f"expected {len(args.predictions)} different names (--names), got {', '.join(names)}"
        )
    maps: Sequence[Path | None] = args.probabilities or [None] * len(names)
    if len(maps) != len(names):
        raise ValueError(
            f"expected --probabilities of each of the {len(names)} folders, in their order, got"
            f" {len(maps)}; compare those that have some in a command of their own"
        )
    keys = [file_name(name) for name in names]
    if len(set(keys)) < len(keys) or "" in keys:
        raise ValueError(
            f"expected names that differ in letters or digits (--names), got {', '.join(names)}"
        )
    if args.by is not None and args.metrics and args.by not in args.metrics:
        args.metrics = [*args.metrics, args.by]
    evaluations: dict[str, Evaluation] = {}
    try:
        with warnings_shown():
            for name, folder, soft in zip(names, args.predictions, maps, strict=True):
                if not args.quiet:
                    print(f"{name}: {printable(folder.as_posix())}", file=sys.stderr)
                evaluations[name] = evaluate(
                    folder,
                    args.gt_dir,
                    out=args.out / "scores" / file_name(name),
                    probabilities=soft,
                    worst=args.shown,
                    keep_scores=True,
                    progress=not args.quiet,
                    **scoring(args),
                )
    except IncompleteError as error:
        print(f"seglosses compare: {folder}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    comparison = compare(
        evaluations, baseline=args.baseline, pairs=args.pairs, sizes=args.sizes, flips=args.flips
    )
    _write(comparison, args)
    return 1 if comparison.nothing else 0


def _write(comparison: Comparison, args: argparse.Namespace) -> None:
    comparison.write(args.out)
    figures = write_page(
        comparison, args.out / "report.html", images=args.images, by=args.by, shown=args.shown
    )
    print(comparison.as_text(shutil.get_terminal_size((0, 24)).columns or None))
    out = printable(args.out.as_posix())
    if args.figures:
        files = write_figures(args.out / "figures", figures, args.figures)
        print(f"{len(files)} files in {out}/figures, captions in captions.md and figures.tex")
    for name, evaluation in comparison.paired.evaluations.items():
        if evaluation.failures:
            print(f"{name}: {len(evaluation.failures)} images not scored")
    print(f"tables: {out}/comparison.csv, tables.md, tables.tex; report: {out}/report.html")


def short_names(folders: Sequence[Path]) -> list[str]:
    """The shortest names that tell folders apart.

    Args:
        folders: Any.

    Returns:
        The last part in which they differ, or all parts from the first to the last of these.

    Example:
        >>> short_names([Path("runs/ce/test/pred"), Path("runs/cldice/test/pred")])
        ['ce', 'cldice']
        >>> short_names([Path("a/1"), Path("b/2"), Path("b/1")])
        ['a/1', 'b/2', 'b/1']
    """
    parts = [list(folder.resolve().parts) for folder in folders]
    if len(folders) > 1:
        while all(p for p in parts) and len({p[-1] for p in parts}) == 1:
            parts = [p[:-1] for p in parts]
        while all(len(p) > 1 for p in parts) and len({p[0] for p in parts}) == 1:
            parts = [p[1:] for p in parts]
    last = [p[-1] if p else "" for p in parts]
    return last if len(set(last)) == len(last) else ["/".join(p) for p in parts]


def _sizes(text: str) -> list[float]:
    return [float(word) for word in words(text)]
