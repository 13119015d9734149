"""The sub-command `seglosses evaluate`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from seglosses.evaluate import detections
from seglosses.evaluate.folders import evaluate
from seglosses.evaluate.labels import parse_labels_map
from seglosses.evaluate.listing import printable
from seglosses.evaluate.measures import COLUMNS
from seglosses.evaluate.options import Options
from seglosses.evaluate.outcome import IncompleteError
from seglosses.evaluate.result import Evaluation, without_meaning
from seglosses.metrics import EmptyPolicy
from seglosses.metrics.empty import POLICIES


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
    groups = ", ".join(dict.fromkeys(column.group for column in COLUMNS))
    add = parser.add_argument
    add("pred_dir", type=Path, metavar="PRED_DIR", help="folder of predicted label maps")
    add(
        "gt_dir",
        type=Path,
        metavar="GT_DIR",
        help="folder of true label maps with the same file names",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="folder for tables and report")
    add(
        "--num-classes",
        type=int,
        metavar="N",
        help="number of classes (not needed for binary masks)",
    )
    add("--classes", type=_integers, metavar="I,J", help="class indices to score")
    add("--class-names", type=_words, metavar="A,B", help="names of all classes")
    add("--ignore-index", type=int, metavar="V", help="ground-truth value that is ignored")
    add("--foreground-value", type=int, metavar="V", help="foreground value of binary masks")
    add("--labels-map", type=_labels_map, metavar="V:I,...",
        help="value:class or value:ignore, in both folders")  # fmt: skip
    add("--pred-labels-map", type=_labels_map, metavar="V:I,...",
        help="the same for predictions, where `ignore` means no class")  # fmt: skip
    add("--gt-labels-map", type=_labels_map, metavar="V:I,...",
        help="the same for the ground truth")  # fmt: skip
    add("--colours", type=Path, metavar="FILE",
        help="labels are colours: a line per class of name or index, R, G, B")  # fmt: skip
    add("--pred-suffix", default="", metavar="S", help="end of prediction names, such as _pred")
    add("--gt-suffix", default="", metavar="S", help="end of ground-truth names")
    add("--ignore-affine", action="store_true",
        help="compare volumes as stored, without their orientation")  # fmt: skip
    add("--metrics", type=_words, metavar="A,B", help=f"groups ({groups}) or column names")
    add("--spacing", type=_numbers, metavar="Y,X", help="edge lengths of a pixel, in axis order")
    add("--connectivity", type=int, choices=(4, 8, 6, 26), help="of the foreground (default 8, 26)")
    add("--empty-policy", choices=get_args(EmptyPolicy), default="skip", metavar="POLICY",
        help=f"scores where a mask is empty: {_policies()} (default: %(default)s)")  # fmt: skip
    add("--tolerance", type=float, default=Options.tolerance, metavar="D",
        help="of boundaries and lines (default: %(default)s)")  # fmt: skip
    add("--boundary-width", type=int, metavar="PX",
        help="band of the boundary IoU (default: 2 %% of the diagonal)")  # fmt: skip
    add("--window", type=int, default=Options.window, metavar="PX",
        help="of windowed Betti errors (default: %(default)s)")  # fmt: skip
    add("--regions", choices=("background", "foreground"), default=Options.regions,
        help="whose components are cells (default: %(default)s)")  # fmt: skip
    add("--tie-breaking", choices=("none", "released"), default=Options.tie_breaking,
        help="of Betti matching errors; released: as the released programs count"
        " (default: %(default)s)")  # fmt: skip
    add("--bins", type=int, default=Options.bins, help="of calibration (default: %(default)s)")
    add("--band", type=float, default=Options.band, metavar="D",
        help="around boundaries, for their calibration (default: %(default)s)")  # fmt: skip
    add("--probabilities", type=Path, metavar="DIR", help="probability maps, for calibration")
    add("--schema", choices=("topomortar",), help="also write scores in this layout")
    add("--images", type=Path, metavar="DIR", help="images on which the worst errors are drawn")
    add("--worst", type=int, default=8, metavar="N", help="images shown in the report")
    add("--workers", type=int, default=1, metavar="N", help="processes (-1: all cores)")
    add(
        "--cluster",
        metavar="ADDRESS",
        help="address of a running Dask scheduler, instead of --workers",
    )
    add("--keep-going", action="store_true", help="score what can be scored, exit status 0")
    add("--coco", action="store_true", help="PRED_DIR and GT_DIR are JSON files of detections")
    add("--max-detections", type=int, metavar="N",
        help="with --coco: only the N best per image and class count (default: all;"
        " the numbers named COCO have their own limits)")  # fmt: skip
    add("--quiet", action="store_true", help="no progress bar, no conventions")


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
            quiet=args.quiet,
        )
    with _warnings():
        return _evaluate(args)


@contextmanager
def _warnings() -> Iterator[None]:
    """Show what the evaluation warns of, wherever else it is logged."""
    logger, handler = logging.getLogger("seglosses"), logging.StreamHandler(sys.stderr)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _evaluate(args: argparse.Namespace) -> int:
    status = 0
    try:
        evaluation = evaluate(
            args.pred_dir,
            args.gt_dir,
            out=args.out,
            num_classes=args.num_classes,
            classes=args.classes,
            class_names=args.class_names,
            ignore_index=args.ignore_index,
            foreground_value=args.foreground_value,
            labels_map=args.labels_map,
            pred_labels_map=args.pred_labels_map,
            gt_labels_map=args.gt_labels_map,
            colours=args.colours,
            pred_suffix=args.pred_suffix,
            gt_suffix=args.gt_suffix,
            ignore_affine=args.ignore_affine,
            metrics=args.metrics,
            spacing=args.spacing,
            connectivity=args.connectivity,
            empty=args.empty_policy,
            options=Options(
                tolerance=args.tolerance,
                boundary_width=args.boundary_width,
                window=args.window,
                regions=args.regions,
                tie_breaking=args.tie_breaking,
                bins=args.bins,
                band=args.band,
            ),
            probabilities=args.probabilities,
            schema=args.schema,
            images=args.images,
            worst=args.worst,
            workers=args.workers,
            cluster=args.cluster,
            keep_going=args.keep_going,
            progress=not args.quiet,
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
    if not args.quiet:
        for name, text in evaluation.conventions.items():
            if not isinstance(text, dict):
                print(f"{name}: {text}")
        for column in evaluation.columns:
            print(f"{column.title}: {column.meaning}")
        print()
    print(evaluation.as_text())
    if evaluation.failures and args.keep_going:
        print(f"{len(evaluation.failures)} images not scored, see {out}/failures.csv")
        if values := without_meaning(evaluation.failures):
            print(values)
    print(f"report: {out}/report.html")


def _policies() -> str:
    return "; ".join(f"{name}: {meaning.replace('%', '%%')}" for name, meaning in POLICIES.items())


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _integers(text: str) -> list[int]:
    return [int(word) for word in _words(text)]


def _numbers(text: str) -> list[float]:
    return [float(word) for word in _words(text)]


def _labels_map(text: str) -> dict[int, int]:
    try:
        return parse_labels_map(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
