"""Folders of four images, and runs over them that are interrupted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.evaluate import Evaluation, evaluate, workers

MASK = np.zeros((12, 12), np.uint8)


MASK[3:9, 3:9] = 1


def save(folder: Path, count: int = 4, *, shift: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        Image.fromarray(np.roll(MASK, shift, 0)).save(folder / f"{index:02}.png")
    return folder


class Stop(BaseException):
    """What a killed process looks like from inside."""


def interrupted(pred: Path, target: Path, out: Path, monkeypatch, *, after: int = 2) -> None:
    done: list[str] = []
    original = workers.score

    def score(files, settings):
        if len(done) == after:
            raise Stop
        done.append(files.name)
        return original(files, settings)

    with monkeypatch.context() as patch:
        patch.setattr(workers, "score", score)
        with pytest.raises(Stop):
            scored(pred, target, out)


def scored(pred: Path, target: Path, out: Path, **options: object) -> Evaluation:
    """In this process, where a test can count what is scored."""
    return evaluate(pred, target, out=out, metrics=["dice"], workers=0, **options)  # type: ignore[arg-type]
