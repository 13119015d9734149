"""Put two folders and a list of splits into the layout that trainings read: ``seglosses arrange``.

The list is a CSV with the columns ``ID,split`` and, if test images are of several kinds, ``group``
(see :data:`seglosses.datasets.topomortar.GROUPS`). It is the record of which images were trained
on, so that it belongs beside the results.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from seglosses.datasets.topomortar import GROUPS, SPLITS


@dataclass(frozen=True)
class Place:
    """Where an image goes.

    Attributes:
        split: ``'train'``, ``'val'`` or ``'test'``.
        group: One of :data:`seglosses.datasets.topomortar.GROUPS`.
    """

    split: str
    group: str = GROUPS[0]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.
    """
    add = parser.add_argument
    add("images", type=Path, help="folder of pictures")
    add("labels", type=Path, help="folder of masks of two values, named like their pictures")
    add("splits", type=Path, help="CSV with the columns ID,split[,group]")
    add("out", type=Path, help="new folder, for `seglosses benchmark run --data`")


def run(args: argparse.Namespace) -> int:
    """Arrange the folder.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status.
    """
    counts = arrange(args.images, args.labels, read_splits(args.splits), args.out)
    print(f"{args.out}: " + ", ".join(f"{counts[split]} {split}" for split in SPLITS))
    return 0


def read_splits(path: Path) -> dict[str, Place]:
    r"""Read a list of splits.

    Args:
        path: CSV with the columns ``ID``, ``split`` and optionally ``group``.

    Returns:
        Place by id.

    Raises:
        ValueError: A column lacks, an id stands there twice, or a split or group is unknown.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "splits.csv"
        ...     _ = path.write_text("ID,split\n07,train\n08,val\n09,test\n")
        ...     {name: place.split for name, place in read_splits(path).items()}
        {'07': 'train', '08': 'val', '09': 'test'}
    """
    places: dict[str, Place] = {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if not {"ID", "split"} <= set(reader.fieldnames or ()):
            raise ValueError(f"expected the columns ID,split in {path}, got {reader.fieldnames}")
        for row in reader:
            name, split = row["ID"], row["split"]
            group = row.get("group") or GROUPS[0]
            if name in places:
                raise ValueError(f"{path} has the id {name!r} twice; name each image once")
            for value, known in ((split, SPLITS), (group, GROUPS)):
                if value not in known:
                    raise ValueError(
                        f"expected one of {', '.join(known)} for {name} in {path}, got {value!r}"
                    )
            places[name] = Place(split, group)
    missing = [split for split in SPLITS if all(p.split != split for p in places.values())]
    if missing:
        raise ValueError(f"{path} has no image for {', '.join(missing)}; each split needs one")
    return places


def arrange(images: Path, labels: Path, places: dict[str, Place], out: Path) -> Counter[str]:
    """Copy pictures and masks into the layout of :mod:`seglosses.datasets.topomortar`.

    Pictures become RGB PNGs, masks of 0 and any one other value become 0 and 255.

    Args:
        images: Folder of pictures.
        labels: Folder of masks.
        places: Of :func:`read_splits`; files that it does not name are left out.
        out: Folder to make; files of an earlier call are written anew.

    Returns:
        How many images each split has.

    Raises:
        ValueError: An id has no picture or mask, sizes differ, or a mask has more than two values.
    """
    pictures, masks = _by_stem(images), _by_stem(labels)
    lacking = [name for name in places if name not in pictures or name not in masks]
    if lacking:
        raise ValueError(
            f"{len(lacking)} ids have no picture in {images} or no mask in {labels}:"
            f" {', '.join(lacking[:5])}"
        )
    for split in SPLITS:
        for kind in ("images", "accurate"):
            (out / split / kind).mkdir(parents=True, exist_ok=True)
    for name, place in places.items():
        with Image.open(pictures[name]) as picture:
            rgb = picture.convert("RGB")
        with Image.open(masks[name]) as picture:
            values = np.asarray(picture)
        if values.shape != (rgb.height, rgb.width):
            raise ValueError(
                f"expected a mask of one channel, {rgb.height} x {rgb.width} as its picture, got"
                f" {values.shape} in {masks[name]}"
            )
        other = np.setdiff1d(values, [0])
        if len(other) > 1:
            raise ValueError(
                f"expected a mask of 0 and one other value, got {len(other)} others in"
                f" {masks[name]}; write one mask for each class"
            )
        rgb.save(out / place.split / "images" / f"{name}.png")
        Image.fromarray(np.where(values != 0, 255, 0).astype(np.uint8)).save(
            out / place.split / "accurate" / f"{name}.png"
        )
    tested = [f"{name},{place.group}\n" for name, place in places.items() if place.split == "test"]
    (out / "dataset_types.txt").write_text("ID,group\n" + "".join(tested), encoding="utf-8")
    return Counter(place.split for place in places.values())


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_file() and not path.name.startswith("."):
            if path.stem in found:
                raise ValueError(f"{found[path.stem]} and {path} have one name; keep one of them")
            found[path.stem] = path
    if not found:
        raise ValueError(f"expected a folder with files, got {folder}")
    return found
