"""The sub-command `seglosses evaluate`."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from seglosses.evaluate import detections
from seglosses.evaluate.arguments import add_figures, add_scoring, scoring
from seglosses.evaluate.folders import evaluate
from seglosses.evaluate.listing import printable
from seglosses.evaluate.outcome import IncompleteError
from seglosses.evaluate.result import Evaluation, without_meaning
from seglosses.evaluate.warned import warnings_shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> parser.parse_args(["pred", "gt", "--out", "scores", "--spacing", "2,0.5"]).spacing
        [2.0, 0.5]
    """
    add = parser.add_argument
    add("pred_dir", type=Path, metavar="PRED_DIR", help="folder of predicted label maps")
    add(
        "gt_dir",
        type=Path,
        metavar="GT_DIR",
        help="folder of true label maps with the same file names",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="folder for tables and report")
    add_scoring(parser)
    add("--probabilities", type=Path, metavar="DIR", help="probability maps, for calibration")
    add("--schema", choices=("nnunet", "topomortar"), help="also write scores in this layout")
    add("--worst", type=int, default=8, metavar="N", help="images shown in the report")
    add("--coco", action="store_true", help="PRED_DIR and GT_DIR are JSON files of detections")
    add("--max-detections", type=int, metavar="N",
        help="with --coco: count only the N best per image and class (default: all;"
        " COCO's own metrics keep their limits)")  # fmt: skip
    add_figures(parser)
    add("--quiet", action="store_true", help="no progress bar")
    add("--verbose", action="store_true",
        help="print every class, every reading of overlap, and all conventions")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Evaluate and print.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status: 0, 1 when images could not be scored or nothing was there to score, 130 when
        interrupted.
    """
    if args.coco:
        return detections.run(
            args.pred_dir,
            args.gt_dir,
            args.out,
            max_detections=args.max_detections,
            images=args.images,
            worst=args.worst,
            figures=args.figures,
            quiet=not args.verbose,
        )
    with warnings_shown():
        return _evaluate(args)


def _evaluate(args: argparse.Namespace) -> int:
    status = 0
    try:
        evaluation = evaluate(
            args.pred_dir,
            args.gt_dir,
            out=args.out,
            probabilities=args.probabilities,
            schema=args.schema,
            worst=args.worst,
            figures=args.figures,
            progress=not args.quiet,
            **scoring(args),
        )
    except IncompleteError as error:
        print(f"seglosses evaluate: {error}", file=sys.stderr)
        evaluation, status = error.evaluation, 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    _print(evaluation, args)
    return 1 if evaluation.no_score else status


def _print(evaluation: Evaluation, args: argparse.Namespace) -> None:
    out = printable(args.out.as_posix())
    if args.verbose:
        for name, text in evaluation.conventions.items():
            if not isinstance(text, dict):
                print(f"{name}: {text}")
        for column in evaluation.columns:
            print(f"{column.title}: {column.meaning}")
        print()
    elif not args.quiet:
        axes = ("images",) if evaluation.settings.ndim == 3 else ()
        for name in ("labels", *axes, "values in predictions", "values in ground truth"):
            if name in evaluation.conventions:
                print(f"{name}: {evaluation.conventions[name]}")
    columns = shutil.get_terminal_size((0, 24)).columns or None
    print(evaluation.as_text(verbose=args.verbose, columns=columns))
    if not args.verbose:
        classes = "classes, " if len(evaluation.table.classes) > 1 else ""
        print(f"{classes}further readings and conventions: {out}/summary.csv, conventions.json")
    if evaluation.failures and args.keep_going:
        print(f"{len(evaluation.failures)} images not scored, see {out}/failures.csv")
        if values := without_meaning(evaluation.failures):
            print(values)
    print(f"report: {out}/report.html")
