"""A folder in the TopoMortar layout as nnU-Net's data set, planned and preprocessed.

python -m seglosses.hosts.nnunet.data FOLDER PARENT      # FOLDER/source.json says of what
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from seglosses.datasets.shrink import shrink_image, shrink_labels
from seglosses.datasets.topomortar import LabelledImage, list_samples, read_mask
from seglosses.hosts.parent import end_with_parent

DATASET = "Dataset001_Benchmark"
CONFIGURATION = "2d"
READY = "ready.json"
"""Written last: the source of what lies beside it."""


@dataclass(frozen=True)
class Source:
    """What a data set is made of.

    Args:
        root: Folder in the TopoMortar layout.
        labels: Labels of the training images; those of validation and test are accurate.
        train_size: ``'large'`` or ``'small'``.
        side: Height and width to which images and labels are shrunk; None leaves them.
        digest: Of the files.
    """

    root: str
    labels: str
    train_size: str
    side: int | None = None
    digest: str = ""

    def written(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def places(folder: Path) -> dict[str, str]:
    """The environment in which nnU-Net finds a folder's data.

    Args:
        folder: With ``raw`` and ``preprocessed``.

    Returns:
        Values of its variables.

    Example:
        >>> places(Path("data"))
        {'nnUNet_raw': 'data/raw', 'nnUNet_preprocessed': 'data/preprocessed'}
    """
    return {"nnUNet_raw": str(folder / "raw"), "nnUNet_preprocessed": str(folder / "preprocessed")}


def write_raw(source: Source, raw: Path) -> list[dict[str, list[str]]]:
    """Write images and labels as nnU-Net reads them, those of the test set beside.

    Args:
        source: What to write.
        raw: Folder for the data set.

    Returns:
        The one split: cases to train on, and cases of the validation set.
    """
    folder = raw / DATASET
    sets = {
        "train": list_samples(source.root, "train", source.labels, source.train_size),
        "val": list_samples(source.root, "val"),
        "test": list_samples(source.root, "test"),
    }
    split: dict[str, list[str]] = {"train": [], "val": []}
    for kind, samples in sets.items():
        part = "Ts" if kind == "test" else "Tr"
        for name in (f"images{part}", f"labels{part}"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for sample in samples:
            case = sample.id if kind == "test" else f"{kind}_{sample.id}"
            image, labels = _read(sample, source.side)
            Image.fromarray(image).save(folder / f"images{part}" / f"{case}_0000.png")
            Image.fromarray(labels).save(folder / f"labels{part}" / f"{case}.png")
            if kind != "test":
                split[kind].append(case)
    about = {
        "channel_names": {"0": "R", "1": "G", "2": "B"},
        "labels": {"background": 0, "foreground": 1},
        "numTraining": len(split["train"]) + len(split["val"]),
        "file_ending": ".png",
    }
    (folder / "dataset.json").write_text(json.dumps(about, indent=2), encoding="utf-8")
    return [split]


def _read(
    sample: LabelledImage, side: int | None
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], ...]:
    with Image.open(sample.image) as picture:
        image = np.asarray(picture.convert("RGB"))
    labels = read_mask(sample.label).astype(np.uint8)
    if side is None:
        return image, labels
    if min(labels.shape) < side:
        raise ValueError(
            f"expected images of at least {side} x {side} to shrink, got {labels.shape} in"
            f" {sample.image}; take --profile thin, which shrinks nothing"
        )
    return shrink_image(image, (side, side)), shrink_labels(labels, (side, side))


def ready(folder: Path, source: Source) -> bool:
    """Whether a folder holds all of a source.

    Args:
        folder: Of :func:`prepare`.
        source: What it should hold.
    """
    path = folder / READY
    return path.is_file() and path.read_text(encoding="utf-8") == source.written()


def prepare(folder: Path, source: Source) -> None:
    """Write the data set, let nnU-Net plan and preprocess it, and fix the split.

    nnU-Net reads its variables from the environment, so this is for a process of its own.

    Args:
        folder: What lies in it is replaced.
        source: Of what.
    """
    # first: what is half replaced is not ready
    (folder / READY).unlink(missing_ok=True)
    for name in ("raw", "preprocessed"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    split = write_raw(source, folder / "raw")
    os.environ.update(places(folder))
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess,
    )

    processes = min(8, os.cpu_count() or 1)
    extract_fingerprints([1], num_processes=processes, show_progress_bar=False)
    plans = plan_experiments([1])
    preprocess([1], plans, (CONFIGURATION,), num_processes=[processes], show_progress_bar=False)
    where = folder / "preprocessed" / DATASET / "splits_final.json"
    where.write_text(json.dumps(split, indent=2), encoding="utf-8")
    (folder / READY).write_text(source.written(), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Prepare the folder that ``source.json`` in it describes.

    Args:
        arguments: The folder, and the id of the process with which to end.

    Returns:
        Exit status 0.
    """
    folder = Path(arguments[0])
    end_with_parent(int(arguments[1]))
    source = Source(**json.loads((folder / "source.json").read_text(encoding="utf-8")))
    prepare(folder, source)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
