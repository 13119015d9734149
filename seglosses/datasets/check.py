"""Say what is missing or damaged in a folder of the TopoMortar layout: ``seglosses check-data``."""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from seglosses.datasets import topomortar
from seglosses.datasets.manifest import NAME, checksum, read_manifest
from seglosses.topology import betti_numbers


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: ``missing``, ``unreadable``, ``size``, ``values``, ``partner``, ``list``, ``betti``
            or ``checksum``.
        where: File or folder, relative to the root.
        what: What was expected and what was found.
    """

    kind: str
    where: str
    what: str


@dataclass
class Findings:
    """What :func:`check_dataset` found.

    Attributes:
        root: The folder that holds the splits.
        counts: Readable files of each folder, such as ``{"train/images": 50}``.
        problems: Everything wrong, in the order of the folders.
    """

    root: Path
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str, where: Path, what: str) -> None:
        """Note a problem of a path under the root.

        Args:
            kind: What sort of problem, in a word.
            where: A path under the root.
            what: What is wrong.

        Example:
            >>> findings = Findings(Path("walls"))
            >>> findings.add("missing", Path("walls/val"), "expected this folder")
            >>> findings.problems[0].where
            'val'
        """
        self.problems.append(Problem(kind, where.relative_to(self.root).as_posix(), what))

    def __str__(self) -> str:
        lines = [f"{folder}: {count} readable files" for folder, count in self.counts.items()]
        lines += [f"{problem.kind}: {problem.where}: {problem.what}" for problem in self.problems]
        tally = Counter(problem.kind for problem in self.problems)
        total = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.items()))
        lines.append(
            f"{len(self.problems)} problems ({total}) in {self.root}"
            if self.problems
            else f"nothing is missing or damaged in {self.root}"
        )
        return "\n".join(lines)


def _image_size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        if picture.mode != "RGB":
            raise ValueError(f"expected an RGB image, got mode {picture.mode}")
        picture.load()  # the size alone would not show that the file ends early
        return picture.height, picture.width


def _check_folder(
    findings: Findings, folder: Path, show: bool
) -> tuple[dict[str, tuple[int, int]], dict[str, NDArray[np.bool_]]]:
    """Read every file of a folder; return sizes, and the masks of test labels."""
    sizes: dict[str, tuple[int, int]] = {}
    masks: dict[str, NDArray[np.bool_]] = {}
    is_image = folder.name == "images"
    is_test_label = not is_image and folder.parent.name == "test"
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in tqdm(paths, desc=str(folder), unit="file", disable=None if show else True):
        if path.suffix != ".png":
            findings.add("list", path, "expected only .png files here")
            continue
        try:
            if is_image:
                height, width = _image_size(path)
            else:
                mask = topomortar.read_mask(path)
                height, width = mask.shape
        except ValueError as error:
            findings.add("values", path, str(error).removesuffix(f" in {path}"))
        except (OSError, SyntaxError) as error:  # Pillow raises SyntaxError for a broken PNG
            findings.add("unreadable", path, str(error).removesuffix(f" {str(path)!r}"))
        else:
            sizes[path.stem] = (height, width)
            if is_test_label:
                masks[path.stem] = mask
            continue
        sizes[path.stem] = (0, 0)  # there, but not to be compared
    findings.counts[folder.relative_to(findings.root).as_posix()] = sum(
        size != (0, 0) for size in sizes.values()
    )
    return sizes, masks


def _check_split(findings: Findings, split: str, show: bool) -> dict[str, NDArray[np.bool_]]:
    folder = findings.root / split
    kinds = ("accurate",) if split == "test" else topomortar.LABELS
    sizes, masks = {}, {}
    for kind in ("images", *kinds):
        if not (folder / kind).is_dir():
            findings.add("missing", folder / kind, "expected this folder")
            continue
        sizes[kind], found = _check_folder(findings, folder / kind, show)
        masks.update(found)
        if not sizes[kind]:
            findings.add("missing", folder / kind, "expected .png files, the folder holds none")
    images = sizes.get("images", {})
    for kind in kinds:
        labels = sizes.get(kind, images)
        for name in sorted(images.keys() - labels.keys()):
            findings.add("partner", folder / "images" / f"{name}.png", f"has no {kind} label")
        for name in sorted(labels.keys() - images.keys()):
            findings.add("partner", folder / kind / f"{name}.png", "has no image")
        for name in sorted(images.keys() & labels.keys()):
            if (0, 0) not in (images[name], labels[name]) and images[name] != labels[name]:
                findings.add(
                    "size",
                    folder / kind / f"{name}.png",
                    f"expected {images[name][0]} x {images[name][1]} as its image has, "
                    f"got {labels[name][0]} x {labels[name][1]}",
                )
    return masks


def _check_lists(findings: Findings, ids: dict[str, set[str]]) -> None:
    """The small training set and the groups name exactly images that are there."""
    root = findings.root
    everything = set().union(*ids.values())
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        for name in sorted(ids[one] & ids[other]):
            findings.add("list", root / other / "images" / f"{name}.png", f"is in {one} as well")
    try:
        small = topomortar.read_small(root)
    except ValueError:
        findings.add("missing", root / "train_small.txt", "expected the ids of the small set")
    else:
        for name in sorted(set(small) - ids["train"]):
            findings.add("list", root / "train_small.txt", f"{name} is no training image")
        if not small or len(set(small)) != len(small):
            findings.add("list", root / "train_small.txt", "expected ids, each named once")
    path = root / "dataset_types.txt"
    try:
        groups = topomortar.read_groups(root)
    except (ValueError, KeyError, csv.Error) as error:
        findings.add("list", path, f"expected lines ID,group: {error!r}")
        return
    if not groups:
        findings.add("missing", path, "expected the group of each id")
        return
    for name in sorted(everything - groups.keys()):
        findings.add("list", path, f"gives no group for {name}")
    for name in sorted(groups.keys() - everything):
        findings.add("list", path, f"names {name}, which has no image")
    for name, group in groups.items():
        if group not in topomortar.GROUPS:
            findings.add("list", path, f"gives {name} the unknown group {group!r}")


def _check_betti(findings: Findings, masks: dict[str, NDArray[np.bool_]], tests: set[str]) -> None:
    """The published Betti numbers are those of the test labels."""
    path = findings.root / "betti_numbers.csv"
    try:
        published = topomortar.read_betti_numbers(findings.root)
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        findings.add("list", path, f"expected lines ID,Betti0,Betti1,Betti2: {error!r}")
        return
    if not published:
        findings.add("missing", path, "expected the Betti numbers of the test labels")
        return
    for name in sorted(tests ^ published.keys()):
        known = "has no line" if name in tests else "has a line and no image"
        findings.add("list", path, f"{name} {known}")
    for name in sorted(masks.keys() & published.keys()):
        found = betti_numbers(masks[name])
        if found != published[name]:
            findings.add(
                "betti", path, f"{name}: expected {published[name]}, the label has {found}"
            )


def _check_manifest(findings: Findings) -> None:
    """A generated data set still is what was written."""
    try:
        manifest = read_manifest(findings.root)
    except ValueError as error:
        findings.add("unreadable", findings.root / NAME, str(error))
        return
    if manifest is None:
        return
    if not manifest[1]:
        findings.add("missing", findings.root / NAME, "the run that wrote it was interrupted")
    for file, expected in manifest[1].items():
        path = findings.root / file
        if not path.is_file():
            findings.add("missing", path, "the manifest names it")
        elif checksum(path) != expected:
            findings.add("checksum", path, "changed since it was generated")


def check_dataset(root: str | Path, *, show: bool = False) -> Findings:
    """Look for what is missing or damaged in a data set.

    Every image and label is read: unreadable files, channels, label values other than 0 and 255,
    sizes, images and labels without partner, the lists of ids and groups, the Betti numbers of the
    test labels, and the checksums of a generated set.

    Args:
        root: Folder in the layout, see :func:`seglosses.datasets.topomortar.find_root`.
        show: Draw a progress bar where the error stream is a terminal.

    Returns:
        The findings; ``problems`` is empty for a sound data set.

    Raises:
        ValueError: When the folder holds no split at all.

    Example:
        >>> import tempfile
        >>> from seglosses.datasets.write import BrickSet, write_dataset
        >>> with tempfile.TemporaryDirectory() as root:
        ...     made = write_dataset(root, BrickSet(size=(32, 32), train=1, val=1, test=1))
        ...     sound = check_dataset(root).problems
        ...     (Path(root) / "val" / "accurate" / "002.png").unlink()
        ...     places = [problem.where for problem in check_dataset(root).problems]
        >>> sound, "val/accurate/002.png" in places
        ([], True)
    """
    findings = Findings(topomortar.find_root(root))
    masks: dict[str, NDArray[np.bool_]] = {}
    ids: dict[str, set[str]] = {}
    for split in topomortar.SPLITS:
        folder = findings.root / split
        if folder.is_dir():
            masks.update(_check_split(findings, split, show))
        else:
            findings.add("missing", folder, "expected this folder")
        ids[split] = {path.stem for path in (folder / "images").glob("*.png")}
    _check_lists(findings, ids)
    _check_betti(findings, masks, ids["test"])
    _check_manifest(findings)
    return findings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``seglosses check-data``.

    Args:
        parser: Parser of the sub-command.
    """
    parser.description = (
        "Read every file of a data set in the TopoMortar layout and say what is missing or "
        "damaged. Exit status 1 when something is."
    )
    parser.add_argument("root", help="folder with train/, val/ and test/, or with dataset/ in it")


def run(args: argparse.Namespace) -> int:
    """Serve ``seglosses check-data``.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status: 1 when something is missing or damaged.
    """
    findings = check_dataset(args.root, show=True)
    print(findings)
    return 1 if findings.problems else 0
