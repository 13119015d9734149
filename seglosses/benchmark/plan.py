"""The runs of `benchmark` and `demo`: which exist, how far they are, and what is left to do."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seglosses import __version__
from seglosses.benchmark.campaign import Campaign
from seglosses.benchmark.cards import read_card, write_at_once
from seglosses.benchmark.checkout import commit, digest, mixin_stem
from seglosses.benchmark.engines import ENGINES
from seglosses.benchmark.processes import Job
from seglosses.benchmark.scripts import worker_command

State = Literal["finished", "trained", "begun", "new"]


@dataclass(frozen=True)
class Run:
    """One loss and seed.

    Attributes:
        folder: Everything of the run but its scores.
        config: What the engine trains, with a ``pretty_text``.
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
    def tested(self) -> Path:
        """Folder with predictions, labels and images."""
        return self.folder / "test"

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
        if read_card(self._beside).get("stamp") != self.card["stamp"]:
            raise ValueError(
                f"{self.scores} comes from another config or other data; take another --out, or"
                " delete it to run it anew"
            )
        return True

    def state(self) -> State:
        """How far the run is; what lies there of another run counts as nothing."""
        known = [read_card(path).get("stamp") for path in (self._card, self._beside)]
        if known[1] == self.card["stamp"] and self.scores.is_file():
            return "finished"
        if known[0] != self.card["stamp"]:
            return "new"
        if (self.folder / f"iter_{self.card['iters']}.pth").is_file():
            return "trained"
        return "begun" if any(self.folder.glob("iter_*.pth")) else "new"

    def forget(self) -> None:
        """Delete the run, its scores too; a folder that holds no run stays."""
        if not self._card.is_file():
            return
        shutil.rmtree(self.folder)
        for path in (self.scores, self._beside):
            path.unlink(missing_ok=True)

    @property
    def _card(self) -> Path:
        return self.folder / "card.json"

    @property
    def _beside(self) -> Path:
        return self.scores.with_suffix(".json")

    def job(self, *, alone: bool = False) -> Job:
        """The command that does the run; a half-finished one with the same config goes on.

        Args:
            alone: The run outlives this process, as one that a scheduler starts.

        Returns:
            A command to run in a process of its own.

        Raises:
            ValueError: The folder holds something, and no run.
        """
        if self._card.is_file():
            if read_card(self._card).get("stamp") != self.card["stamp"]:
                shutil.rmtree(self.folder)
        elif self.folder.is_dir() and any(self.folder.iterdir()):
            raise ValueError(
                f"{self.folder} holds files of no run that is known here; take another --out, or"
                " delete it"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        # the card first: a folder without one is not ours to delete
        write_at_once(self._card, json.dumps(self.card, indent=2))
        write_at_once(self.folder / ENGINES[self.card["engine"]].file, self.config.pretty_text)
        words = worker_command(self.folder, parent=None if alone else os.getpid())
        return Job(self.name, words, self.folder / "log.txt")


def plan(
    campaign: Campaign,
    losses: Sequence[str],
    seeds: Sequence[int],
    place: Callable[[str, int], Path] | None = None,
) -> list[Run]:
    """One run per loss and seed, all losses of a seed together.

    Args:
        campaign: What all runs share.
        losses: Names of mix-ins, or paths of files like them.
        seeds: Seeds.
        place: Folder of the run of a loss and seed; by default ``framework/labels/size/loss/seed``
            below ``campaign.out``.

    Returns:
        The runs, seed by seed, finished ones too.
    """
    about = {"version": __version__, "commit": commit()}
    data = digest(campaign.data, "*.png", contents=False)
    engine = ENGINES[campaign.engine]
    top = campaign.out / engine.framework / campaign.labels / campaign.train_size
    runs = []
    configs = {loss: engine.config(campaign, loss) for loss in losses}
    engine.prepare(campaign, data)
    for seed in seeds:
        for loss in losses:
            folder = place(loss, seed) if place else top / mixin_stem(loss) / str(seed)
            config = engine.placed(copy.deepcopy(configs[loss]), seed, folder)
            neutral = engine.counts(config, campaign)
            card = {
                **about,
                "stamp": hashlib.sha256(f"{data}\n{neutral}".encode()).hexdigest(),
                "profile": campaign.profile,
                "loss": mixin_stem(loss),
                "labels": campaign.labels,
                "train_size": campaign.train_size,
                "seed": seed,
                "data": data,
                **engine.card(config, campaign),
            }
            runs.append(Run(folder, config, card))
    return runs


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
