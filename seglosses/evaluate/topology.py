"""The sub-command `seglosses topology`: one prediction, one label, and what corresponds."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.codes import distinct
from seglosses.evaluate.files import read_labels, read_probabilities
from seglosses.evaluate.formats.pictures import grey_levels
from seglosses.evaluate.listing import IMAGE_ENDINGS, ending
from seglosses.evaluate.photos import read_photo
from seglosses.metrics.diagrams import construction_of, diagram_distances
from seglosses.report.drawing import Drawing
from seglosses.report.features import find_features
from seglosses.report.figures import standalone
from seglosses.report.pdf import pdf
from seglosses.report.topology import describe, topology_drawing
from seglosses.topology import betti_numbers, matching_error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.
    """
    parser.description = (
        "Draw which components and loops of a prediction (mask, probabilities or grey picture)"
        " correspond to those of the label, which are missing and which spurious, and both"
        " barcodes."
    )
    add = parser.add_argument
    add(
        "pred",
        type=Path,
        metavar="IMAGE_OR_PRED",
        help="mask, label map, probability map or grey image",
    )
    add("target", type=Path, metavar="GT", help="mask or label map of the same size")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="picture to write: .svg, .pdf, .png, …",
    )
    add("--title", default="", metavar="TEXT", help="first line of the picture")
    add("--image", type=Path, metavar="FILE", help="photograph to draw on")
    add("--class-index", type=int, metavar="I", help="value of label maps that is the foreground")
    add(
        "--connectivity",
        type=int,
        choices=(4, 8, 6, 26),
        help="which pixels of the foreground touch (8 in 2D, 26 in 3D)",
    )
    add("--min-length", type=float, default=0.1, metavar="L",
        help="shortest unmatched bar that is shown (default: %(default)s)")  # fmt: skip
    add("--distance", action="store_true",
        help="also print the distances between both persistence diagrams (gudhi)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Write the picture and print what it shows.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status.
    """
    target = read_mask(args.target, args.class_index)
    pred = read_foreground(args.pred, args.class_index, target.shape)
    if pred.shape != target.shape:
        raise ValueError(
            f"unequal sizes: {args.pred} has {pred.shape}, {args.target} has {target.shape}"
        )
    photo = None
    if args.image is not None and (photo := read_photo(args.image, target.shape)) is None:
        raise ValueError(f"{args.image}: expected a picture of size {target.shape}")
    options = {"connectivity": args.connectivity, "min_length": args.min_length}
    title = args.title or f"{args.pred.name} against {args.target.name}"
    drawing = topology_drawing(pred, target, photo, title=title, **options)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_drawing(drawing, args.out)
    mask = pred > 0.5
    error = matching_error(
        mask, target, connectivity=args.connectivity, count_essential=True
    ).by_dimension
    seen, true = (betti_numbers(side, connectivity=args.connectivity) for side in (mask, target))
    # the bars of probabilities are at every threshold, the score at one
    at = "" if np.isin(pred, (0, 1)).all() else " at 1/2"
    print(f"matching of bars     {describe(find_features(pred, target, **options))}")
    print(f"Betti numbers        {_listed(seen)} at 1/2, label {_listed(true)}")
    print(f"Betti matching error {_listed(error)}{at}")
    if args.distance:
        construction = construction_of(args.connectivity)
        found = diagram_distances(pred, target, construction=construction)
        print(f"bottleneck distance  {_numbers(found.bottleneck)}")
        print(f"Wasserstein distance {_numbers(found.wasserstein)}")
    print(f"wrote {args.out}")
    return 0


def write_drawing(drawing: Drawing, path: Path) -> None:
    """Write a drawing in the format of the name: SVG, PDF, or any that Pillow writes.

    Args:
        drawing: What to write.
        path: File.

    Raises:
        ValueError: Pillow has no such format.
    """
    if path.suffix.lower() == ".svg":
        path.write_text(standalone(drawing.svg()), "utf-8")
    elif path.suffix.lower() == ".pdf":
        path.write_bytes(pdf(drawing.svg()))
    else:
        drawing.image().save(path)


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))


def _numbers(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:.4f}" for number in numbers)


def read_mask(path: Path, class_index: int | None) -> NDArray[np.bool_]:
    """Foreground of a label file.

    Args:
        path: A label file, see :func:`seglosses.evaluate.files.read_labels`.
        class_index: Value that is the foreground; None for the larger one of two.

    Returns:
        Boolean mask, (*S).

    Raises:
        ValueError: For more than two values without ``class_index``.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "a.npy", np.array([[3, 7]]))
        ...     read_mask(Path(folder) / "a.npy", None), read_mask(Path(folder) / "a.npy", 3)
        (array([[False,  True]]), array([[ True, False]]))
    """
    values, _ = read_labels(path)
    if class_index is not None:
        return np.asarray(values == class_index)
    found = distinct(values)
    if len(found) > 2:
        raise ValueError(
            f"{path}: holds {len(found)} values, not a mask; say which one is the foreground with"
            " --class-index"
        )
    return np.asarray(values > (found[0] if len(found) == 2 else 0))


def read_foreground(
    path: Path, class_index: int | None, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """A prediction as probabilities: a mask, a label map, probabilities, or the grey of a picture.

    Args:
        path: File.
        class_index: Value of a label map that is the foreground; None for a mask (at most two
            values), else for probabilities or grey levels.
        shape: Of the label.

    Returns:
        Numbers in [0, 1], (*S).

    Raises:
        ValueError: When it is none of these.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "a.npy", np.array([[0.25, 0.5, 1.0]]))
        ...     read_foreground(Path(folder) / "a.npy", None, (1, 3))
        array([[0.25, 0.5 , 1.  ]], dtype=float32)
    """
    try:
        return np.asarray(read_mask(path, class_index), np.float32)
    except ValueError:
        if class_index is not None:
            raise
    try:
        return np.asarray(read_probabilities(path, 2, shape)[1], np.float32)
    except ValueError:
        if ending(path) not in IMAGE_ENDINGS:
            raise
    return grey_levels(path)
