"""Options that change how folders are read and scored, shared by the commands that score them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict, get_args

from seglosses.evaluate.labels import parse_labels_map
from seglosses.evaluate.measures import COLUMNS
from seglosses.evaluate.options import Options
from seglosses.metrics import EmptyPolicy
from seglosses.metrics.empty import POLICIES
from seglosses.metrics.lesions import LESION_MATCHING
from seglosses.report.figures import FORMATS, read_formats


class Scoring(TypedDict):
    """Keywords of :func:`seglosses.evaluate.evaluate` that say how to read, score and compute."""

    num_classes: int | None
    classes: Sequence[int] | None
    class_names: Sequence[str] | None
    ignore_index: int | None
    foreground_value: int | None
    labels_map: Mapping[int, int] | None
    pred_labels_map: Mapping[int, int] | None
    gt_labels_map: Mapping[int, int] | None
    colours: str | Path | None
    dataset_json: str | Path | None
    pred_suffix: str
    gt_suffix: str
    ignore_affine: bool
    metrics: Sequence[str] | None
    spacing: Sequence[float] | float | None
    connectivity: int | None
    empty: EmptyPolicy
    options: Options | None
    images: str | Path | None
    workers: int
    cluster: str | None
    keep_going: bool


def add_scoring(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Args:
        parser: Parser of a sub-command.
    """
    groups = ", ".join(dict.fromkeys(column.group for column in COLUMNS))
    add = parser.add_argument
    add(
        "--num-classes",
        type=int,
        metavar="N",
        help="number of classes (not needed for binary masks)",
    )
    add("--classes", type=integers, metavar="I,J", help="class indices to score")
    add("--class-names", type=words, metavar="A,B", help="names of all classes")
    add("--ignore-index", type=int, metavar="V", help="ground-truth value that is ignored")
    add("--foreground-value", type=int, metavar="V", help="foreground value of binary masks")
    add("--labels-map", type=_labels_map, metavar="V:I,...",
        help="value:class or value:ignore, in all folders")  # fmt: skip
    add("--pred-labels-map", type=_labels_map, metavar="V:I,...",
        help="the same for predictions, where `ignore` means no class")  # fmt: skip
    add("--gt-labels-map", type=_labels_map, metavar="V:I,...",
        help="the same for the ground truth")  # fmt: skip
    add("--colours", type=Path, metavar="FILE",
        help="for labels that are colours: a file with a line per class, of name or index, R, G,"
        " B")  # fmt: skip
    add("--dataset-json", type=Path, metavar="FILE",
        help="nnU-Net's dataset.json, which names labels, regions and what is ignored (default:"
        " looked for among the predictions and above the ground truth)")  # fmt: skip
    add("--pred-suffix", default="", metavar="S", help="end of prediction names, such as _pred")
    add("--gt-suffix", default="", metavar="S", help="end of ground-truth names")
    add("--ignore-affine", action="store_true",
        help="compare volumes as stored, without their orientation")  # fmt: skip
    add("--metrics", type=words, metavar="A,B", help=f"groups ({groups}) or column names")
    add("--spacing", type=_numbers, metavar="Y,X", help="edge lengths of a pixel, in axis order")
    add(
        "--connectivity",
        type=int,
        choices=(4, 8, 6, 26),
        help="which pixels of the foreground touch (default: 8 in 2D, 26 in 3D)",
    )
    add("--empty-policy", choices=get_args(EmptyPolicy), default="skip", metavar="POLICY",
        help=f"scores where a mask is empty (default: %(default)s). {_policies()}")  # fmt: skip
    add("--tolerance", type=float, default=Options.tolerance, metavar="D",
        help="tolerance for boundaries and lines (default: %(default)s)")  # fmt: skip
    add("--boundary-width", type=int, metavar="PX",
        help="band of the boundary IoU (default: 2 %% of the diagonal)")  # fmt: skip
    add("--window", type=int, default=Options.window, metavar="PX",
        help="side of the windows for local Betti errors (default: %(default)s)")  # fmt: skip
    add("--regions", choices=("background", "foreground"), default=Options.regions,
        help="whose components are the cells (default: %(default)s)")  # fmt: skip
    add("--tie-breaking", choices=("none", "released"), default=Options.tie_breaking,
        help="ties of Betti matching errors; released: as the released programs break them"
        " (default: %(default)s)")  # fmt: skip
    add(
        "--bins",
        type=int,
        default=Options.bins,
        help="number of bins for calibration (default: %(default)s)",
    )
    add("--band", type=float, default=Options.band, metavar="D",
        help="width of the band around boundaries in which calibration is also measured"
        " (default: %(default)s)")  # fmt: skip
    add("--lesion-matching", choices=tuple(LESION_MATCHING), default=Options.lesion_matching,
        help="which predicted lesions belong to a true one (default: %(default)s)")  # fmt: skip
    add("--smallest-lesion", type=float, default=Options.smallest_lesion, metavar="V",
        help="true lesions up to this volume do not count (default: %(default)s)")  # fmt: skip
    add("--lesion-dilation", type=int, default=Options.lesion_dilation, metavar="N",
        help="dilation steps of the matching brats (default: %(default)s)")  # fmt: skip
    add("--control-step", type=float, default=Options.control_step, metavar="D",
        help="distance of points along the edges of graphs (default: %(default)s)")  # fmt: skip
    add("--reach", type=float, default=Options.reach, metavar="D",
        help="length of the paths that TOPO follows (default: %(default)s)")  # fmt: skip
    add("--images", type=Path, metavar="DIR", help="images on which errors are drawn")
    add("--workers", type=int, default=1, metavar="N",
        help="number of processes (-1: one per core, 0: this one only)")  # fmt: skip
    add(
        "--cluster",
        metavar="ADDRESS",
        help="address of a running Dask scheduler, instead of --workers",
    )
    add("--keep-going", action="store_true",
        help="score what can be scored, and name the rest; exit status 0")  # fmt: skip


def add_figures(parser: argparse.ArgumentParser) -> None:
    """Declare the option that writes figures as files.

    Args:
        parser: Parser of a sub-command.
    """
    parser.add_argument(
        "--figures",
        type=_formats,
        default=(),
        metavar="FORMATS",
        help=f"also write the figures as files with captions, as {','.join(FORMATS)}",
    )


def _formats(text: str) -> tuple[str, ...]:
    try:
        return read_formats(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def scoring(args: argparse.Namespace) -> Scoring:
    """What was asked for, as keywords.

    Args:
        args: Of :func:`add_scoring`.

    Returns:
        Keywords of :func:`seglosses.evaluate.evaluate`.
    """
    return Scoring(
        num_classes=args.num_classes,
        classes=args.classes,
        class_names=args.class_names,
        ignore_index=args.ignore_index,
        foreground_value=args.foreground_value,
        labels_map=args.labels_map,
        pred_labels_map=args.pred_labels_map,
        gt_labels_map=args.gt_labels_map,
        colours=args.colours,
        dataset_json=args.dataset_json,
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
            lesion_matching=args.lesion_matching,
            smallest_lesion=args.smallest_lesion,
            lesion_dilation=args.lesion_dilation,
            control_step=args.control_step,
            reach=args.reach,
        ),
        images=args.images,
        workers=args.workers,
        cluster=args.cluster,
        keep_going=args.keep_going,
    )


def words(text: str) -> list[str]:
    """Words separated by commas.

    Args:
        text: Of the command line.

    Returns:
        The words that are not empty.

    Example:
        >>> words("a, b,")
        ['a', 'b']
    """
    return [word.strip() for word in text.split(",") if word.strip()]


def integers(text: str) -> list[int]:
    """Integers separated by commas.

    Args:
        text: Of the command line.

    Returns:
        The numbers.

    Example:
        >>> integers("1,2")
        [1, 2]
    """
    return [int(word) for word in words(text)]


def _numbers(text: str) -> list[float]:
    return [float(word) for word in words(text)]


def _policies() -> str:
    shown = (f"{name} = {meaning.replace('%', '%%')}." for name, meaning in POLICIES.items())
    return " ".join(shown)


def _labels_map(text: str) -> dict[int, int]:
    try:
        return parse_labels_map(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
