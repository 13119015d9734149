"""The trainings and tests of a comparison: what is there already, and what has to be run."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seglosses import __version__
from seglosses.benchmark.checkout import ROOT, digest, need_checkout, need_mixins
from seglosses.benchmark.processes import Job


@dataclass(frozen=True)
class Setting:
    """What all runs of a comparison share.

    Attributes:
        leaf: Config file, everything but the loss.
        data: Folder in the TopoMortar layout.
        labels: Kind of labels of the training set.
        iters: Length of a training.
        seed: Seed of weights, order and augmentation.
    """

    leaf: Path
    data: Path
    labels: str
    iters: int
    seed: int

    def stamp(self, mixin: str) -> dict[str, object]:
        """Everything that a run's result depends on; an equal stamp means a run to reuse."""
        return {
            "version": __version__,
            "leaf": self.leaf.relative_to(ROOT).as_posix(),
            "loss": mixin,
            "labels": self.labels,
            "iters": self.iters,
            "seed": self.seed,
            "configs": digest(ROOT / "configs", "*.py", contents=True),
            "data": digest(self.data, "*.png", contents=False),
        }


@dataclass(frozen=True)
class Run:
    """One training and its test.

    Attributes:
        mixin: Name of a file in ``configs/losses``.
        folder: Where everything of the run lies.
        setting: What it shares with the other runs.
    """

    mixin: str
    folder: Path
    setting: Setting

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint."""
        return self.folder / f"iter_{self.setting.iters}.pth"

    @property
    def tested(self) -> Path:
        """Folder with predictions, labels and images."""
        return self.folder / "test"

    def prepare(self, *, fresh: bool) -> str:
        """Keep what fits the setting, delete what does not, and say which.

        Returns:
            ``'tested'``, ``'trained'``, ``'begun'`` (a checkpoint to resume from) or ``'new'``.
        """
        stamp = self.folder / "run.json"
        wanted = self.setting.stamp(self.mixin)
        known = json.loads(stamp.read_text(encoding="utf-8")) if stamp.is_file() else None
        if known is not None and (fresh or known != wanted):
            shutil.rmtree(self.folder)
            known = None
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
        if known is None:
            return "new"
        if self.checkpoint.is_file():
            return "tested" if (self.tested / "scores.json").is_file() else "trained"
        return "begun" if any(self.folder.glob("iter_*.pth")) else "new"

    def training(self) -> Job:
        """The command that trains; it goes on from a checkpoint that is there."""
        setting = self.setting
        words = [sys.executable, str(ROOT / "tools" / "train.py"), str(setting.leaf)]
        words += ["--loss", self.mixin, "--data", str(setting.data), "--labels", setting.labels]
        words += ["--iters", str(setting.iters), "--seed", str(setting.seed)]
        words += ["--work-dir", str(self.folder), "--resume"]
        return Job(f"train {self.mixin}", words, self.folder / "train.log")

    def testing(self) -> Job:
        """The command that tests and writes the predictions."""
        words = [sys.executable, str(ROOT / "tools" / "test.py"), str(self.setting.leaf)]
        words += [str(self.checkpoint), "--loss", self.mixin, "--data", str(self.setting.data)]
        words += ["--work-dir", str(self.folder), "--out", str(self.tested)]
        return Job(f"test {self.mixin}", words, self.folder / "test.log")


def plan(out: Path, mixins: Sequence[str], setting: Setting) -> list[Run]:
    """One run a loss.

    Raises:
        ValueError: A loss is named twice or has no mix-in, or this is no clone of the project.
    """
    need_checkout()
    need_mixins(list(mixins))
    return [Run(name, out / name, setting) for name in mixins]
