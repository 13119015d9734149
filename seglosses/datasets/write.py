"""Write a generated data set in the TopoMortar layout: ``seglosses bricks ROOT``."""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from seglosses.datasets.bricks import BrickSample, brick_sample
from seglosses.datasets.manifest import checksum, read_manifest, write_file, write_manifest
from seglosses.datasets.topomortar import GROUPS, read_mask
from seglosses.topology import betti_numbers

GENERATOR = 1
"""Counts the versions of the generator that change a bit of any file."""


@dataclass(frozen=True)
class BrickSet:
    """What a generated data set consists of.

    Attributes:
        size: Height and width of the images.
        train: Training images.
        val: Validation images.
        test: Test images of each of the seven groups.
        seed: Non-negative; another seed gives other walls.
    """

    size: tuple[int, int] = (128, 128)
    train: int = 50
    val: int = 20
    test: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.train, self.val, self.test) < 1:
            raise ValueError(
                "expected at least one image for train, val and each test group, got "
                f"{self.train}, {self.val} and {self.test}"
            )
        if self.seed < 0 or min(self.size) < 16:
            raise ValueError(
                f"expected a seed of 0 or more and sides of 16 or more, got seed {self.seed} "
                f"and {self.size[0]} x {self.size[1]}"
            )

    def plan(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield split, id, group and seed of each sample, as TopoMortar orders them.

        Example:
            >>> list(BrickSet(train=1, val=1, test=1).plan())[1:3]
            [('val', '002', 'indistr', 2), ('test', '003', 'indistr', 3)]
        """
        rows = [("train", "indistr")] * self.train + [("val", "indistr")] * self.val
        rows += [("test", group) for group in GROUPS for _ in range(self.test)]
        for number, (split, group) in enumerate(rows, start=1):
            yield split, f"{number:03d}", group, self.seed * 1_000_000 + number

    def small(self) -> list[str]:
        """Ids of the small training set: a fifth of the training images, drawn by the seed.

        Returns:
            Ids in order.

        Example:
            >>> len(BrickSet(train=50).small()), len(BrickSet(train=3).small())
            (10, 1)
        """
        rng = np.random.default_rng([self.seed, self.train])
        chosen = rng.permutation(self.train)[: max(1, self.train // 5)] + 1
        return [f"{number:03d}" for number in sorted(chosen)]


@dataclass(frozen=True)
class Written:
    """How many samples a call made and how many it found ready.

    Attributes:
        made: Samples that were written.
        reused: Samples that lay there already.
    """

    made: int
    reused: int


def _png(values: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _label(mask: NDArray[np.bool_]) -> bytes:
    return _png(mask.astype(np.uint8) * np.uint8(255))


def _files(root: Path, split: str, name: str) -> dict[str, Path]:
    kinds = ("images", "accurate") if split == "test" else ("images", "accurate", "noisy", "pseudo")
    return {kind: root / split / kind / f"{name}.png" for kind in kinds}


def _write_sample(sample: BrickSample, files: dict[str, Path]) -> None:
    write_file(files["images"], _png(sample.image))
    write_file(files["accurate"], _label(sample.mask))
    if "noisy" in files:
        write_file(files["noisy"], _label(sample.noisy()))
        write_file(files["pseudo"], _label(sample.pseudo()))


def _table(header: str, rows: list[list[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue().encode()


def write_dataset(
    root: str | Path,
    bricks: BrickSet | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write a data set, or what is missing or damaged of it.

    A second call with the same parameters verifies the checksums and makes nothing; after an
    interruption the call goes on where the first one stopped.

    Args:
        root: Folder to write to.
        bricks: What to write; the default set when None.
        progress: Called with the samples done and the samples in all.

    Returns:
        How many samples were made and reused.

    Raises:
        ValueError: When the folder holds something else, or was written with other parameters.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     few = BrickSet(size=(32, 32), train=1, val=1, test=1)
        ...     write_dataset(root, few), write_dataset(root, few)  # nothing to do the second time
        (Written(made=9, reused=0), Written(made=0, reused=9))
    """
    bricks = bricks or BrickSet()
    root = Path(root)
    parameters = {**asdict(bricks), "size": list(bricks.size), "generator": GENERATOR}
    known = read_manifest(root) if root.is_dir() else None
    if known is not None and known[0] != parameters:
        raise ValueError(
            f"{root} holds bricks made with {known[0]}, asked for {parameters}; "
            "choose another folder, or delete this one"
        )
    if known is None and root.is_dir() and any(root.iterdir()):
        raise ValueError(
            f"{root} holds files that `seglosses bricks` did not write; choose another folder"
        )
    sums = {} if known is None else known[1]
    if known is None:
        write_manifest(root, parameters, {})

    def intact(path: Path) -> bool:
        # Without a checksum the run was interrupted; files are written whole, so it is sound.
        expected = sums.get(path.relative_to(root).as_posix())
        return path.is_file() and (expected is None or expected == checksum(path))

    plan = list(bricks.plan())
    made = 0
    betti: list[list[object]] = []
    every: list[Path] = []
    for done, (split, name, group, seed) in enumerate(plan, start=1):
        files = _files(root, split, name)
        every += files.values()
        if all(intact(path) for path in files.values()):
            numbers = betti_numbers(read_mask(files["accurate"])) if split == "test" else ()
        else:
            sample = brick_sample(bricks.size, seed, group)
            _write_sample(sample, files)
            numbers = sample.betti
            made += 1
        if split == "test":
            betti.append([name, *numbers, 0])
        if progress is not None:
            progress(done, len(plan))

    tables = {
        "train_small.txt": "".join(f"{name}\n" for name in bricks.small()).encode(),
        "dataset_types.txt": _table("ID,group", [[name, group] for _, name, group, _ in plan]),
        "betti_numbers.csv": _table("ID,Betti0,Betti1,Betti2", betti),
    }
    for file, content in tables.items():
        write_file(root / file, content)
        every.append(root / file)
    files_now = {path.relative_to(root).as_posix(): checksum(path) for path in every}
    if files_now != sums:
        write_manifest(root, parameters, files_now)
    return Written(made, len(plan) - made)


def _size(text: str) -> tuple[int, int]:
    """Parse ``128`` or ``96x128`` (height x width)."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() for side in sides):
        raise argparse.ArgumentTypeError(f"expected a size like 128 or 96x128, got {text!r}")
    return int(sides[0]), int(sides[-1])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``seglosses bricks``.

    Args:
        parser: Parser of the sub-command.
    """
    parser.description = (
        "Write generated photographs of brick walls with exact, noisy and pseudo labels of the "
        "mortar, in the TopoMortar layout. A second run keeps the images that are there."
    )
    standard = BrickSet()
    parser.add_argument("root", help="folder to write to, such as data/bricks")
    parser.add_argument(
        "--size", type=_size, default=standard.size, help="side, or HxW, in pixels (128)"
    )
    for name, summary in (
        ("train", "training images"),
        ("val", "validation images"),
        ("test", "test images of each of the seven groups"),
        ("seed", "another seed gives other walls"),
    ):
        default = getattr(standard, name)
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{summary} ({default})")


def run(args: argparse.Namespace) -> int:
    """Serve ``seglosses bricks``.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status.
    """
    bricks = BrickSet(args.size, args.train, args.val, args.test, args.seed)

    start = time.perf_counter()
    # disable=None: a bar on a terminal, nothing in a log.
    with tqdm(desc="bricks", unit="image", disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        written = write_dataset(args.root, bricks, progress=show)
    print(
        f"{args.root}: {bricks.train} train, {bricks.val} val and {bricks.test * len(GROUPS)} test "
        f"images of {bricks.size[0]} x {bricks.size[1]}; {written.made} made, "
        f"{written.reused} reused, {time.perf_counter() - start:.1f} s"
    )
    return 0
