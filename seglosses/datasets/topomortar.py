"""The TopoMortar layout: where the images and labels of a folder are, and how they are read.

A folder in this layout, real or generated, holds::

    train/  val/  test/           images/ and accurate/, in train and val also noisy/ and pseudo/
    <split>/images/<ID>.png       RGB
    <split>/<labels>/<ID>.png     8 bit, 0 = brick, 255 = mortar
    train_small.txt               ids of the small training set, one per line
    dataset_types.txt             ID,group
    betti_numbers.csv             ID,Betti0,Betti1,Betti2 of the test labels

TopoMortar's repository keeps this in its folder ``dataset`` and names the small training set in
``splits_small.yaml``; both are understood.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.pages import page

SPLITS = ("train", "val", "test")
LABELS = ("accurate", "noisy", "pseudo")
TRAIN_SIZES = ("large", "small")
GROUPS = ("indistr", "angles", "colors", "graffiti", "objects", "shadows", "occlusion")
"""In-distribution, then the six out-of-distribution groups."""


@dataclass(frozen=True)
class LabelledImage:
    """An image and its label.

    Attributes:
        id: The name both files share, such as ``"001"``.
        image: Path of the image.
        label: Path of the label.
        group: One of :data:`GROUPS`, or ``"unknown"`` where the folder does not say.
    """

    id: str
    image: Path
    label: Path
    group: str


def find_root(root: str | Path) -> Path:
    """Folder that holds the splits: the one given, or ``dataset`` in it.

    Args:
        root: Folder in the layout, or a checkout of TopoMortar's repository.

    Returns:
        The folder with ``train``, ``val`` or ``test``.

    Raises:
        ValueError: When neither holds a split.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as checkout:
        ...     (Path(checkout) / "dataset" / "test").mkdir(parents=True)
        ...     find_root(checkout).name
        'dataset'
    """
    for folder in (Path(root), Path(root) / "dataset"):
        if any((folder / split).is_dir() for split in SPLITS):
            return folder
    raise ValueError(
        f"expected a folder with train/, val/ and test/, got {root}; "
        f"make one with `seglosses bricks ROOT`, or see {page('data/README.md')} for TopoMortar"
    )


def read_groups(root: str | Path) -> dict[str, str]:
    r"""Group of each id, from ``dataset_types.txt``; empty where there is no such file.

    Args:
        root: Folder in the layout, see :func:`find_root`.

    Returns:
        Id to group.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     (Path(root) / "test").mkdir()
        ...     _ = (Path(root) / "dataset_types.txt").write_text("ID,group\n071,indistr\n")
        ...     read_groups(root)
        {'071': 'indistr'}
    """
    path = find_root(root) / "dataset_types.txt"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["ID"]: row["group"] for row in csv.DictReader(file)}


def read_betti_numbers(root: str | Path) -> dict[str, tuple[int, int]]:
    r"""Betti numbers (b0, b1) of each id, from ``betti_numbers.csv``; empty without the file.

    Args:
        root: Folder in the layout, see :func:`find_root`.

    Returns:
        Id to both numbers.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     (Path(root) / "test").mkdir()
        ...     table = "ID,Betti0,Betti1,Betti2\n071,1,38,0\n"
        ...     _ = (Path(root) / "betti_numbers.csv").write_text(table)
        ...     read_betti_numbers(root)
        {'071': (1, 38)}
    """
    path = find_root(root) / "betti_numbers.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["ID"]: (int(row["Betti0"]), int(row["Betti1"])) for row in csv.DictReader(file)}


def read_small(root: str | Path) -> list[str]:
    r"""Ids of the small training set, in the order of ``train_small.txt`` or published splits.

    Args:
        root: Folder in the layout, see :func:`find_root`.

    Returns:
        Ids.

    Raises:
        ValueError: When the folder has neither file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     (Path(root) / "test").mkdir()
        ...     _ = (Path(root) / "train_small.txt").write_text("036\n048\n")
        ...     read_small(root)
        ['036', '048']
    """
    folder = find_root(root)
    plain, published = folder / "train_small.txt", folder / "splits_small.yaml"
    if plain.is_file():
        return plain.read_text(encoding="utf-8").split()
    if published.is_file():
        return re.findall(r"train/images/(\w+)\.png", published.read_text(encoding="utf-8"))
    raise ValueError(
        f"expected train_small.txt (or splits_small.yaml) in {folder}, got neither; "
        "take the large training set, or list the ids of a small one there"
    )


def read_mask(path: str | Path) -> NDArray[np.bool_]:
    """Read a label file.

    Args:
        path: 8-bit PNG of 0 (brick) and 255 (mortar).

    Returns:
        The mortar, (H, W).

    Raises:
        ValueError: When the file has channels or other values.
        OSError: When the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.fromarray(np.array([[0, 255]], np.uint8)).save(f"{folder}/001.png")
        ...     read_mask(f"{folder}/001.png")
        array([[False,  True]])
    """
    with Image.open(path) as picture:
        values = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
    if values.ndim != 2:
        raise ValueError(f"expected a label with one channel, got shape {values.shape} in {path}")
    other = np.setdiff1d(values, [0, 255])
    if len(other):
        raise ValueError(
            f"expected the values 0 and 255, got {len(other)} others ({other[0]}, …) in {path}"
        )
    mask: NDArray[np.bool_] = values == 255
    return mask


def list_samples(
    root: str | Path,
    split: str = "train",
    labels: str = "accurate",
    train_size: str = "large",
    groups: Collection[str] | None = None,
) -> list[LabelledImage]:
    """List the images of a split with their labels, sorted by id.

    Args:
        root: Folder in the layout, see :func:`find_root`.
        split: ``"train"``, ``"val"`` or ``"test"``.
        labels: ``"accurate"``, ``"noisy"`` or ``"pseudo"``; test images have accurate ones only.
        train_size: ``"large"``, all training images, or ``"small"``; other splits ignore it.
        groups: Groups to keep; all when None.

    Returns:
        The samples; at least one.

    Raises:
        ValueError: For an unknown name, a missing folder, an image or label without its partner,
            or when no sample is left.

    Example:
        >>> import tempfile
        >>> from seglosses.datasets.write import BrickSet, write_dataset
        >>> with tempfile.TemporaryDirectory() as root:
        ...     made = write_dataset(root, BrickSet(size=(32, 32), train=2, val=1, test=1))
        ...     samples = list_samples(root, "train", labels="pseudo")
        >>> [(sample.id, sample.label.parent.name) for sample in samples]
        [('001', 'pseudo'), ('002', 'pseudo')]
    """
    for name, value, known in (
        ("split", split, SPLITS),
        ("labels", labels, LABELS),
        ("train_size", train_size, TRAIN_SIZES),
    ):
        if value not in known:
            raise ValueError(f"expected {name} to be one of {', '.join(known)}, got {value!r}")
    unknown = sorted(set(groups or ()) - set(GROUPS))
    if isinstance(groups, str) or unknown:
        raise ValueError(f"expected a list of groups among {', '.join(GROUPS)}, got {groups!r}")
    folder = find_root(root)
    images, answers = folder / split / "images", folder / split / labels
    for needed in (images, answers):
        if not needed.is_dir():
            raise ValueError(f"expected the folder {needed}, got none; run `seglosses check-data`")
    ids = {path.stem for path in images.glob("*.png")}
    if split == "train" and train_size == "small":
        wanted = set(read_small(folder))
        partners = {path.stem for path in answers.glob("*.png")} & wanted
        alone = sorted(wanted ^ (ids & wanted)) + sorted(wanted ^ partners)
        ids = wanted
    else:
        alone = sorted(ids ^ {path.stem for path in answers.glob("*.png")})
    if alone:
        raise ValueError(
            f"{len(set(alone))} ids have an image or a {labels} label but not both in "
            f"{folder / split}: {', '.join(alone[:5])}; run `seglosses check-data {root}`"
        )
    group = read_groups(folder)
    samples = [
        LabelledImage(
            name, images / f"{name}.png", answers / f"{name}.png", group.get(name, "unknown")
        )
        for name in sorted(ids)
        if groups is None or group.get(name, "unknown") in groups
    ]
    if not samples:
        raise ValueError(f"no image of the groups {groups or 'at all'} in {images}")
    return samples
