"""Bricks as objects: labels in the TopoMortar layout become COCO annotations.

A brick is a component of what is not mortar, by edges. ``seglosses to-coco ROOT`` writes one JSON
for each split; images stay where they are. The JSON holds boxes and masks, so it serves detection
and instance segmentation alike.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from tqdm import tqdm

from seglosses.datasets.manifest import write_file
from seglosses.datasets.topomortar import (
    LABELS,
    SPLITS,
    TRAIN_SIZES,
    find_root,
    list_samples,
    read_mask,
)
from seglosses.topology import label_components

MIN_AREA = 16
"""Smaller components are crumbs of the label, in pixels; they are counted, not annotated."""


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Uncompressed run lengths of COCO: down the columns, the first run is background.

    Args:
        mask: (H, W).

    Returns:
        Lengths of alternating runs that add up to H W.

    Example:
        >>> run_lengths(np.array([[False, True], [True, True]]))
        [1, 3]
        >>> run_lengths(np.array([[True, False]]))
        [0, 1, 1]
    """
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    runs: list[int] = np.diff(bounds).tolist()
    return [0, *runs] if flat.size and flat[0] else runs


def brick_objects(
    mortar: NDArray[np.bool_], *, min_area: int = MIN_AREA
) -> tuple[list[dict[str, Any]], int]:
    """Bricks of a label as COCO annotations without ids.

    Args:
        mortar: (H, W).
        min_area: Components with fewer pixels are left out.

    Returns:
        The annotations, in the order of the first pixel; and how many components were left out.

    Example:
        >>> mortar = np.zeros((3, 5), bool)
        >>> mortar[:, 2] = True
        >>> objects, crumbs = brick_objects(mortar, min_area=1)
        >>> [o["bbox"] for o in objects], crumbs
        ([[0, 0, 2, 3], [3, 0, 2, 3]], 0)
    """
    components, _ = label_components(~mortar, connectivity=4)
    objects, crumbs = [], 0
    for number, place in enumerate(ndimage.find_objects(components), start=1):
        own = components[place] == number
        area = int(own.sum())
        if area < min_area:
            crumbs += 1
            continue
        rows, columns = place
        whole = np.zeros(mortar.shape, bool)
        whole[place] = own
        objects.append(
            {
                "category_id": 1,
                "bbox": [
                    int(columns.start),
                    int(rows.start),
                    int(columns.stop - columns.start),
                    int(rows.stop - rows.start),
                ],
                "area": area,
                "iscrowd": 0,
                "segmentation": {"size": list(mortar.shape), "counts": run_lengths(whole)},
            }
        )
    return objects, crumbs


def to_coco(
    root: str | Path,
    split: str = "train",
    labels: str = "accurate",
    train_size: str = "large",
    *,
    min_area: int = MIN_AREA,
) -> tuple[dict[str, Any], int]:
    """A split in COCO's format.

    Args:
        root: Folder in the TopoMortar layout.
        split: See :func:`~seglosses.datasets.topomortar.list_samples`.
        labels: See there.
        train_size: See there.
        min_area: See :func:`brick_objects`.

    Returns:
        The data set, with image names relative to the folder; and how many crumbs were left out.

    Raises:
        ValueError: as :func:`~seglosses.datasets.topomortar.list_samples`.

    Example:
        >>> import tempfile
        >>> from seglosses.datasets.write import BrickSet, write_dataset
        >>> with tempfile.TemporaryDirectory() as root:
        ...     _ = write_dataset(root, BrickSet(size=(64, 64), train=1, val=1, test=1))
        ...     data, crumbs = to_coco(root, "val")
        >>> [image["file_name"] for image in data["images"]], sorted(data["annotations"][0])
        (['val/images/002.png'],
        ['area', 'bbox', 'category_id', 'id', 'image_id', 'iscrowd', 'segmentation'])
    """
    folder = find_root(root)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    dropped = 0
    for number, sample in enumerate(
        tqdm(list_samples(root, split, labels, train_size), desc=split, disable=None), start=1
    ):
        mortar = read_mask(sample.label)
        height, width = mortar.shape
        images.append(
            {
                "id": number,
                "file_name": sample.image.relative_to(folder).as_posix(),
                "height": height,
                "width": width,
                "group": sample.group,
            }
        )
        objects, crumbs = brick_objects(mortar, min_area=min_area)
        dropped += crumbs
        for one in objects:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **one})
    data = {
        "info": {"description": f"bricks of {split}, {labels} labels", "min_area": min_area},
        "categories": [{"id": 1, "name": "brick"}],
        "images": images,
        "annotations": annotations,
    }
    return data, dropped


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``seglosses to-coco``."""
    parser.add_argument("root", help="folder in the TopoMortar layout")
    parser.add_argument(
        "--split", nargs="+", choices=SPLITS, default=list(SPLITS), help="splits to write (all)"
    )
    parser.add_argument(
        "--labels", choices=LABELS, default="accurate", help="labels to read (accurate)"
    )
    parser.add_argument(
        "--train-size", choices=TRAIN_SIZES, default="large", help="training set (large)"
    )
    parser.add_argument(
        "--min-area", type=int, default=MIN_AREA, help=f"least pixels of a brick ({MIN_AREA})"
    )
    parser.add_argument("--out", type=Path, help="folder for the JSON files (ROOT/coco)")


def run(args: argparse.Namespace) -> int:
    """Write ``<split>.json`` for each split."""
    out = args.out or find_root(args.root) / "coco"
    out.mkdir(parents=True, exist_ok=True)
    for split in args.split:
        kind = args.labels if split != "test" else "accurate"
        data, crumbs = to_coco(args.root, split, kind, args.train_size, min_area=args.min_area)
        write_file(out / f"{split}.json", json.dumps(data).encode())
        print(
            f"{out / f'{split}.json'}: {len(data['images'])} images,"
            f" {len(data['annotations'])} bricks, {crumbs} components under"
            f" {args.min_area} px left out"
        )
    return 0
