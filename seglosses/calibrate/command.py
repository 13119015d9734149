"""The sub-command `seglosses calibrate`."""

from __future__ import annotations

import argparse
import html
import json
from pathlib import Path

from seglosses.calibrate.scaling import Calibration, calibrate
from seglosses.report.page import page, section, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> parser.parse_args(["prob", "gt"]).bins
        15
    """
    parser.description = (
        "Fit one temperature to probability maps, such as those of validation images: the number by"
        " which to divide the logits of the network. It is fitted to all images. What such a"
        " temperature gains is measured beforehand: fitted to every other image, in order of their"
        " names, and tried on the rest."
    )
    add = parser.add_argument
    add("probabilities", type=Path, metavar="PROB",
        help="folder of probability maps, NPY or NPZ (C, *S), or (*S) of class 1")  # fmt: skip
    add("gt_dir", type=Path, metavar="GT", help="folder of true label maps of the same names")
    add("--num-classes", type=int, default=2, metavar="N", help="number of classes (default 2)")
    add("--ignore-index", type=int, default=255, metavar="I",
        help="label that does not count (default 255)")  # fmt: skip
    add(
        "--bins",
        type=int,
        default=15,
        metavar="N",
        help="bins of the calibration errors (default 15)",
    )
    add("--out", type=Path, metavar="DIR", help="folder for calibration.json and calibration.html")


def run(args: argparse.Namespace) -> int:
    """Fit, print and write.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        0.
    """
    found = calibrate(
        args.probabilities,
        args.gt_dir,
        num_classes=args.num_classes,
        ignore_index=args.ignore_index,
        bins=args.bins,
    )
    print(f"temperature {found.temperature:.4f}, of {found.images} images: divide logits by it")
    print(
        f"measured on {found.measured} images with that of the others,"
        f" {found.held_out_temperature:.4f}:"
    )
    width = max(len(name) for name, _, _ in _rows(found))
    print(f"{'':{width}}  {'before':>8}  {'after':>8}")
    for name, before, after in _rows(found):
        print(f"{name:{width}}  {before:8.4f}  {after:8.4f}")
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found.as_dict(), indent=2)
        (args.out / "calibration.json").write_text(text + "\n", encoding="utf-8")
        (args.out / "calibration.html").write_text(_page(found), encoding="utf-8")
        print(f"wrote {args.out / 'calibration.json'} and calibration.html")
    return 0


def _rows(found: Calibration) -> list[tuple[str, float, float]]:
    before, after = found.before, found.after
    return [
        ("negative log-likelihood", before.likelihood, after.likelihood),
        ("class-wise ECE", before.classwise_ece, after.classwise_ece),
        *(
            (f"ECE of class {label}", *pair)
            for label, pair in enumerate(zip(before.ece, after.ece, strict=True))
        ),
    ]


def _page(found: Calibration) -> str:
    scores = [[name, f"{a:.4f}", f"{b:.4f}"] for name, a, b in _rows(found)]
    sections = [section("Scores", table(["", "before", "after"], scores, name="scores"))]
    for label, pair in enumerate(found.diagrams):
        rows = []
        for at in range(len(pair[0].pixels)):
            cells = [f"{at / len(pair[0].pixels):.2f} to {(at + 1) / len(pair[0].pixels):.2f}"]
            for bins in pair:
                if not (pixels := bins.pixels[at]):
                    cells += ["0", "", ""]
                    continue
                mean, share = bins.prob[at] / pixels, bins.target[at] / pixels
                cells += [f"{pixels:.0f}", f"{mean:.4f}", f"{share:.4f}"]
            rows.append(cells)
        heads = ["probability", "pixels", "mean", "frequency", "pixels after", "mean", "frequency"]
        body = table(heads, rows, name=f"class{label}", sortable=False, whole=True)
        sections.append(section(f"Reliability of class {label}", body))
    subtitle = html.escape(
        f"Temperature {found.temperature:.4f} of {found.images} images. Measured on"
        f" {found.measured} of them with that of the others, {found.held_out_temperature:.4f}."
    )
    return page("Temperature scaling", subtitle, sections)
