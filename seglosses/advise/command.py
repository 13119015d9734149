"""The sub-command `seglosses advise`."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

from seglosses.advise import printing
from seglosses.advise.page import write_page
from seglosses.advise.profile import Annotators, Profile
from seglosses.advise.proposal import Proposal, propose
from seglosses.advise.reading import survey
from seglosses.advise.source import LIMIT, Source
from seglosses.advise.text import WIDTH, as_text
from seglosses.evaluate.choosing import Wishes
from seglosses.evaluate.labels import Reading, parse_labels_map
from seglosses.evaluate.photos import Photos
from seglosses.evaluate.warned import warnings_shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> parser.parse_args(["labels", "--pred", "predictions"]).pred.name
        'predictions'
    """
    add = parser.add_argument
    add("labels", type=Path, metavar="LABELS",
        help="folder of label maps, 2D or 3D, in any format that evaluate reads")  # fmt: skip
    add("--pred", type=Path, metavar="DIR", help="predictions, to say which errors"
        " dominate, and which losses see them")  # fmt: skip
    add("--images", type=Path, metavar="DIR", help="images to draw on")
    add("--second", type=Path, metavar="DIR", help="another annotator's label maps")
    add("--out", type=Path, metavar="DIR",
        help="folder for advice.json, advice.html and the mix-in advised.py")  # fmt: skip
    add("--json", action="store_true", help="print JSON instead of text")
    add("--limit", type=int, default=LIMIT, metavar="N",
        help="label maps to measure, spread evenly (default: %(default)s)")  # fmt: skip
    add("--num-classes", type=int, metavar="N", help="number of classes")
    add("--classes", type=_integers, metavar="I,J", help="class indices to look at")
    add("--class-names", type=_words, metavar="A,B", help="names of all classes")
    add("--ignore-index", type=int, metavar="V", help="value that is ignored")
    add("--foreground-value", type=int, metavar="V", help="foreground value of binary masks")
    add("--labels-map", type=_labels_map, metavar="V:I,...", help="value:class or value:ignore")
    add(
        "--colours",
        type=Path,
        metavar="FILE",
        help="file of the colours of classes, as for evaluate",
    )
    add("--dataset-json", type=Path, metavar="FILE", help="nnU-Net's dataset.json, which names"
        " labels (default: looked for among the predictions and above the label maps)")  # fmt: skip
    add("--suffix", default="", metavar="S", help="end of the names of label maps")
    add("--pred-suffix", default="", metavar="S", help="end of the names of predictions")
    add("--second-suffix", default="", metavar="S",
        help="end of the names of the other annotator's label maps")  # fmt: skip
    add("--keep-going", action="store_true",
        help="measure what has a prediction, and name the rest; exit status 0")  # fmt: skip
    add("--quiet", action="store_true", help="no progress bar, no configs")


def run(args: argparse.Namespace) -> int:
    """Measure, propose, print and write.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status: 1 where a label map could not be read, and --keep-going was not given.
    """
    reading = Reading(
        args.num_classes, args.ignore_index, args.foreground_value, labels_map=args.labels_map
    )
    wishes = Wishes(
        reading, colours=args.colours, classes=args.classes, class_names=args.class_names
    )
    source = Source(
        args.labels, args.pred, args.second, wishes, args.suffix, args.pred_suffix,
        args.second_suffix, args.limit, args.keep_going, args.dataset_json,
    )  # fmt: skip
    Photos(args.images)  # a folder that is not there is an error before everything is measured
    profile, measured, settings = survey(source, progress=not args.quiet)
    proposal = propose(profile)
    if args.json:
        print(json.dumps(as_dict(profile, proposal), indent=2))
    else:
        width = shutil.get_terminal_size((WIDTH, 24)).columns
        print(as_text(profile, proposal, configs=not args.quiet, width=width))
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(as_dict(profile, proposal), indent=2)
        (args.out / "advice.json").write_text(text + "\n", "utf-8")
        mixin = f"# Proposed by seglosses advise.\n{printing.mmseg(proposal)}\n"
        (args.out / "advised.py").write_text(mixin, "utf-8")
        page = args.out / "advice.html"
        with warnings_shown():
            write_page(page, profile, proposal, measured, settings, images=args.images)
        print(f"page: {page}", file=sys.stderr if args.json else sys.stdout)
    return 1 if profile.failures and not args.keep_going else 0


def as_dict(profile: Profile, proposal: Proposal) -> dict[str, Any]:
    """Measurements and proposal in plain values, for JSON; what is undefined is None.

    Args:
        profile: What was measured.
        proposal: What follows.

    Returns:
        Nested dictionaries.
    """
    return {
        "label_maps": profile.images,
        "found": profile.found,
        "shape": list(profile.shape),
        "other_shapes": profile.other_shapes,
        "spacing": None if profile.spacing is None else list(profile.spacing),
        "ignored": profile.ignored,
        "num_classes": profile.num_classes,
        "taken_for_background": profile.ground or None,
        "classes": {
            one.name: {
                name: value if math.isfinite(value) else None
                for name, value in one.numbers().items()
            }
            for one in profile.classes
        },
        "touching": {f"{a}, {b}": count for (a, b), count in profile.touching.items()},
        "annotators": None if profile.annotators is None else _agreement(profile.annotators),
        "not_read": [{"image": name, "reason": reason} for name, reason in profile.failures],
        **proposal.as_dict(),
        "configs": {
            "mmsegmentation": printing.mmseg(proposal),
            "pytorch": printing.torch(proposal),
            "nnunet": printing.nnunet(proposal),
        },
    }


def _agreement(known: Annotators) -> dict[str, Any]:
    return {
        "images": known.images,
        "empty": known.empty,
        "dice": known.dice,
        "at_boundaries": known.rim,
        "only_first": list(known.only_first),
        "only_second": list(known.only_second),
    }


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _integers(text: str) -> list[int]:
    return [int(word) for word in _words(text)]


def _labels_map(text: str) -> dict[int, int]:
    try:
        return parse_labels_map(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
