"""Folders of label maps, and their evaluations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from seglosses.evaluate import Evaluation, evaluate


def write(folder: Path, masks: dict[str, ArrayLike]) -> Path:
    folder.mkdir(parents=True)
    for name, mask in masks.items():
        np.save(folder / f"{name}.npy", np.asarray(mask, np.uint8))
    return folder


def scored(folders: dict[str, Path], names: str = "ab", **options: object) -> dict[str, Evaluation]:
    return {name: evaluate(folders[name], folders["gt"], **options) for name in names}  # type: ignore[arg-type]
