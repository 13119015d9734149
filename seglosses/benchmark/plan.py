"""The runs of a benchmark: which there are, which are finished, and what each has to do."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seglosses import __version__
from seglosses.benchmark.checkout import ROOT, commit, digest
from seglosses.benchmark.processes import Job
from seglosses.benchmark.results import read_card, write_at_once

FRAMEWORK = "supervised"


@dataclass(frozen=True)
class Profile:
    """How large the trainings are.

    Attributes:
        leaf: Config, everything but the loss, below ``configs``.
        iters: Length of a training; None for that of the leaf.
        gpu: Whether it can only be trained on a GPU.
        about: For ``--help``.
    """

    leaf: str
    iters: int | None
    gpu: bool
    about: str


PROFILES = {
    "smoke": Profile("topomortar/unet_128.py", 150, False, "128 px, 150 iterations"),
    "cpu": Profile("topomortar/unet_128.py", 300, False, "128 px, 300 iterations"),
    "paper": Profile("topomortar/unet_512.py", None, True, "512 px, 12000 iterations, on a GPU"),
}


@dataclass(frozen=True)
class Campaign:
    """What all runs share.

    Attributes:
        out: Top of the layout, see :mod:`seglosses.benchmark.results`.
        data: Folder in the TopoMortar layout.
        labels: Labels to train on.
        train_size: ``'large'`` or ``'small'``.
        profile: Name in :data:`PROFILES`.
        iters: Length of a training; None for that of the profile.
    """

    out: Path
    data: Path
    labels: str
    train_size: str
    profile: str
    iters: int | None = None


@dataclass(frozen=True)
class Run:
    """One loss and seed.

    Attributes:
        folder: Everything of the run but its scores.
        config: The composed config.
        card: How the run is made; an equal ``stamp`` in it means an equal run.
    """

    folder: Path
    config: Any
    card: dict[str, Any]

    @property
    def scores(self) -> Path:
        """The CSV; written last, so a run with one is finished."""
        return self.folder.with_name(f"{self.folder.name}.csv")

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.card['loss']} seed {self.card['seed']}"

    def finished(self) -> bool:
        """Whether the scores are there.

        Returns:
            Whether to skip it.

        Raises:
            ValueError: They are of another run: other data, another config.
        """
        if not self.scores.is_file():
            return False
        known = read_card(self.scores.with_suffix(".json"))
        if known.get("stamp") != self.card["stamp"]:
            raise ValueError(
                f"{self.scores} comes from another config or other data; take another --out, or"
                " delete it to run it anew"
            )
        return True

    def job(self) -> Job:
        """The command that does the run; a half-finished one with the same config goes on.

        Returns:
            A command to run in a process of its own.
        """
        card = self.folder / "card.json"
        if self.folder.is_dir() and read_card(card).get("stamp") != self.card["stamp"]:
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_at_once(self.folder / "config.py", self.config.pretty_text)
        write_at_once(card, json.dumps(self.card, indent=2))
        words = [sys.executable, "-m", "seglosses.benchmark.worker", str(self.folder)]
        words.append(str(os.getpid()))
        return Job(self.name, words, self.folder / "log.txt")


def plan(campaign: Campaign, losses: Sequence[str], seeds: Sequence[int]) -> list[Run]:
    """One run a loss and seed, all losses of a seed together.

    Args:
        campaign: What all runs share.
        losses: Names of mix-ins.
        seeds: Seeds.

    Returns:
        The runs, seed by seed, finished ones too.
    """
    profile = PROFILES[campaign.profile]
    about = {"version": __version__, "commit": commit()}
    data = digest(campaign.data, "*.png", contents=False)
    place = campaign.out / FRAMEWORK / campaign.labels / campaign.train_size
    runs = []
    configs = {loss: _compose(campaign, profile, loss) for loss in losses}
    for seed in seeds:
        for loss in losses:
            config = copy.deepcopy(configs[loss])
            config.randomness["seed"] = seed
            # Neither where the data lies nor where results go changes a result.
            neutral = repr(config.to_dict()).replace(str(campaign.data), "DATA")
            config.work_dir = str(place / loss / str(seed))
            card = {
                **about,
                "stamp": hashlib.sha256(f"{data}\n{neutral}".encode()).hexdigest(),
                "profile": campaign.profile,
                "leaf": f"configs/{profile.leaf}",
                "loss": loss,
                "labels": campaign.labels,
                "train_size": campaign.train_size,
                "iters": int(config.train_cfg.max_iters),
                "seed": seed,
                "data": data,
            }
            runs.append(Run(place / loss / str(seed), config, card))
    return runs


def _compose(campaign: Campaign, profile: Profile, loss: str) -> Any:
    # A report needs no mmengine, and its module is loaded beside this one.
    from seglosses.hosts.openmmlab.runs import compose

    cfg = compose(
        ROOT / "configs" / profile.leaf,
        loss=loss,
        data=str(campaign.data),
        labels=campaign.labels,
        iters=campaign.iters or profile.iters,
        seed=0,
        work_dir="WORK",
        options={
            "train_dataloader.dataset.train_size": campaign.train_size,
            "test_dataloader.dataset.groups": None,
        },
    )
    hooks, iters = cfg.default_hooks, int(cfg.train_cfg.max_iters)
    hooks.logger.interval = min(50, max(1, iters // 10))
    hooks.checkpoint.interval = min(hooks.checkpoint.interval, iters)
    return cfg


def read_seeds(text: str) -> list[int]:
    """Seeds from ``0-2`` or ``0,3,5-7``.

    Args:
        text: Numbers and ranges, separated by commas.

    Returns:
        Seeds in that order.

    Example:
        >>> read_seeds("0-2,7")
        [0, 1, 2, 7]
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise ValueError(f"expected seeds as 0-9 or 0,1,2, got {text!r}")
        seeds += range(int(first), int(last or first) + 1)
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"expected different seeds, got {text!r}")
    return seeds
