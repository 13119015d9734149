"""One run of nnU-Net from its description to predictions on disk, and what it cost."""

from __future__ import annotations

import json
import os
import random
import statistics
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from seglosses.hosts.cost import device_name, loss_curve, peak_memory, whole_lines
from seglosses.hosts.nnunet.data import CONFIGURATION, DATASET, places

EPOCH = 250
"""Iterations of an epoch of nnU-Net."""
EPOCHS = 10
"""Epochs of a short training, at least: its learning rate falls from epoch to epoch."""


@dataclass(frozen=True)
class Training:
    """What a run trains.

    Args:
        losses: Entries of :func:`seglosses.hosts.nnunet.spec.read_entries`.
        epochs: Length of the training.
        iterations: Of an epoch.
        seed: Of the first weights, and of the crops where one process makes them.
        data: Folder of :func:`seglosses.hosts.nnunet.data.prepare`.
    """

    losses: Sequence[Mapping[str, Any]]
    epochs: int
    iterations: int
    seed: int
    data: str

    @property
    def iters(self) -> int:
        """Iterations of the whole training."""
        return self.epochs * self.iterations

    @property
    def pretty_text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def length(iters: int) -> tuple[int, int]:
    """Epochs and iterations of each, of a training of about so many iterations.

    Args:
        iters: At least 1.

    Returns:
        Whole numbers whose product is `iters` or a little more.

    Example:
        >>> length(250_000), length(12_000), length(150), length(8)
        ((1000, 250), (48, 250), (10, 15), (8, 1))
    """
    if iters < 1:
        raise ValueError(f"expected at least one iteration, got {iters}")
    epochs = min(iters, max(EPOCHS, -(-iters // EPOCH)))
    return epochs, -(-iters // epochs)


def train_and_test(description: Path, out: Path) -> dict[str, Any]:
    """Train to the end, from the newest sound checkpoint beside the description, if any, and test.

    Args:
        description: JSON of a :class:`Training`.
        out: Folder for ``predictions/``, ``labels/`` and ``images/``.

    Returns:
        ``seconds_per_iteration`` (median over epochs of the medians), ``peak_memory_mib`` (of the
        GPU where one trains, otherwise of the process), ``device`` and ``loss_curve`` (over
        epochs, see :func:`seglosses.hosts.cost.loss_curve`).
    """
    training = Training(**json.loads(description.read_text(encoding="utf-8")))
    _environment(training, description.parent)
    trainer = _trainer(training)
    folder = Path(trainer.output_folder)
    memory = description.with_name("memory.json")
    if (found := _checkpoint(folder)) is not None:
        trainer.load_checkpoint(str(found))
    if found is None or found.name != "checkpoint_final.pth":
        trainer.run_training()
        memory.write_text(json.dumps({"peak_memory_mib": peak_memory()}), encoding="utf-8")
    _test(trainer, Path(training.data), out)
    known = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
    lines = list(whole_lines(folder / "seglosses_times.jsonl"))
    losses = {line["epoch"]: line["loss"] for line in lines if "loss" in line}
    return {
        "seconds_per_iteration": statistics.median(line["seconds"] for line in lines),
        "peak_memory_mib": known.get("peak_memory_mib", peak_memory()),
        "device": device_name(),
        "loss_curve": loss_curve(losses, training.epochs),
    }


def _environment(training: Training, folder: Path) -> None:
    os.environ.update(places(Path(training.data)), nnUNet_results=str(folder / "results"))
    os.environ.pop("SEGLOSSES_LOSSES", None)
    if not torch.cuda.is_available():
        # runs lie side by side on the cores, and one process that makes crops is reproducible
        os.environ.setdefault("nnUNet_n_proc_DA", "0")


def _trainer(training: Training) -> Any:
    """A trainer whose weights are not drawn yet, and what is random seeded."""
    from seglosses.hosts.nnunet.trainers.seglosses_benchmark_trainer import nnUNetTrainerBenchmark

    folder = Path(training.data, "preprocessed", DATASET)
    plans = json.loads((folder / "nnUNetPlans.json").read_text(encoding="utf-8"))
    plans["continue_training"] = False
    about = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    random.seed(training.seed)
    np.random.seed(training.seed)  # noqa: NPY002  nnU-Net draws from it
    torch.manual_seed(training.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trainer = nnUNetTrainerBenchmark(plans, CONFIGURATION, 0, about, device)
    entries = [dict(entry) for entry in training.losses]
    trainer.set_up(entries, training.epochs, training.iterations)
    return trainer


def _checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that is whole; others are named."""
    for name in ("final", "latest", "best"):
        path = folder / f"checkpoint_{name}.pth"
        if path.is_file():
            if zipfile.is_zipfile(path):
                return path
            print(f"{path} is cut off; looking for an older one")
    return None


def _test(trainer: Any, data: Path, out: Path) -> None:
    """Predict every test image as nnU-Net does, with mirroring, and write it as a PNG file."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    trainer.set_deep_supervision_enabled(False)
    network = getattr(trainer.network, "_orig_mod", trainer.network)
    network.eval()
    predictor = nnUNetPredictor(device=trainer.device, verbose=False, allow_tqdm=False)
    predictor.manual_initialization(
        network,
        trainer.plans_manager,
        trainer.configuration_manager,
        [network.state_dict()],
        trainer.dataset_json,
        type(trainer).__name__,
        trainer.inference_allowed_mirroring_axes,
    )
    reader = trainer.plans_manager.image_reader_writer_class()
    raw = data / "raw" / DATASET
    for name in ("predictions", "labels", "images"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for truth in sorted((raw / "labelsTs").glob("*.png")):
        image = raw / "imagesTs" / f"{truth.stem}_0000.png"
        found = predictor.predict_single_npy_array(*reader.read_images([str(image)]))
        Image.fromarray(found[0].astype(np.uint8)).save(out / "predictions" / truth.name)
        (out / "labels" / truth.name).write_bytes(truth.read_bytes())
        (out / "images" / truth.name).write_bytes(image.read_bytes())
