"""The runs of `benchmark` and `demo`: which exist, how far they are, and what is left to do."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from seglosses import __version__
from seglosses.benchmark.campaign import Campaign
from seglosses.benchmark.cards import read_card, write_at_once
from seglosses.benchmark.checkout import commit, digest, is_mixin_file, mixin_stem
from seglosses.benchmark.claims import TakenError, belongings, claimed, empty
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

    def refuse_another(self) -> None:
        """Refuse scores and checkpoints of another run in the place of this one.

        Raises:
            ValueError: There are some.
        """
        if not self.finished() and self._is_another() and any(self.folder.rglob("*.pth")):
            raise ValueError(
                f"{self.folder} was begun with another config or other data; take another"
                " --out, or delete it"
            )

    def is_like(self) -> bool:
        """Whether what lies there was made as this one, measured or not, of the same data."""
        card = read_card(self._beside if self.scores.is_file() else self._card)
        return all(card.get(name) == self.card[name] for name in ("recipe", "data"))

    def state(self) -> State:
        """How far the run is; what lies there of another run counts as nothing."""
        known = read_card(self._beside).get("stamp")
        if known == self.card["stamp"] and self.scores.is_file():
            return "finished"
        if not self._is_same():
            return "new"
        if (self.folder / f"iter_{self.card['iters']}.pth").is_file():
            return "trained"
        return "begun" if any(self.folder.glob("iter_*.pth")) else "new"

    def forget(self) -> None:
        """Delete the run, its scores too; a folder that holds no run stays.

        Raises:
            TakenError: Another process works on it.
        """
        if not self._card.is_file():
            return
        with claimed(self.folder):
            empty(self.folder)
            for path in (self.scores, self._beside):
                path.unlink(missing_ok=True)
        self.folder.rmdir()

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
            ValueError: The folder holds something and no run, or another run that was begun.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            # another start may be preparing it just now
            with claimed(self.folder, silence=0.0 if self._is_same() else 5.0):
                self._prepare()
        except TakenError as error:
            # who works on this very run has prepared it
            if not self._is_same():
                raise ValueError(
                    f"{self.folder} was begun with another config or other data, and {error}; take"
                    " another --out"
                ) from error
        parent = None if alone else os.getpid()
        words = worker_command(self.folder, parent=parent, stamp=self.card["stamp"])
        return Job(self.name, words, self.folder / "log.txt")

    def _prepare(self) -> None:
        """Write what the worker reads into the folder, which is claimed."""
        if self._is_another():
            self.refuse_another()
            empty(self.folder)
        elif not self._card.is_file() and any(belongings(self.folder)):
            raise ValueError(
                f"{self.folder} holds files of no run that is known here; take another --out, or"
                " delete it"
            )
        # the card first: a folder without one is not ours to delete
        write_at_once(self._card, json.dumps(self.card, indent=2))
        write_at_once(self.folder / ENGINES[self.card["engine"]].file, self.config.pretty_text)

    def _is_another(self) -> bool:
        return self._card.is_file() and not self._is_same()

    def _is_same(self) -> bool:
        return bool(read_card(self._card).get("stamp") == self.card["stamp"])


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
    data = digest(campaign.data)
    engine = ENGINES[campaign.engine]
    top = _top(campaign)
    runs = []
    configs = {loss: _config(campaign, loss) for loss in losses}
    recipes = {loss: _recipe(campaign, loss, top) for loss in losses}
    engine.prepare(campaign, data)
    for seed in seeds:
        for loss in losses:
            folder = place(loss, seed) if place else top / mixin_stem(loss) / str(seed)
            config = engine.placed(copy.deepcopy(configs[loss]), seed, folder)
            neutral = engine.counts(config, campaign)
            card = {
                **about,
                "stamp": hashlib.sha256(f"{data}\n{neutral}".encode()).hexdigest(),
                "recipe": recipes[loss],
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


def _top(campaign: Campaign) -> Path:
    framework = ENGINES[campaign.engine].framework
    return campaign.out / framework / campaign.labels / campaign.train_size


def _recipe(campaign: Campaign, loss: str, folder: Path) -> str:
    """What decides the result beside data and seed; whether gradients are measured does not."""
    engine, alone = ENGINES[campaign.engine], replace(campaign, balance=False)
    config = engine.placed(_config(alone, loss), 0, folder)
    return hashlib.sha256(engine.counts(config, alone).encode()).hexdigest()[:16]


def seeds_there(campaign: Campaign, losses: Sequence[str]) -> set[int]:
    """Seeds of losses that were finished or begun, in the layout of :func:`plan`.

    Args:
        campaign: What all runs share.
        losses: Names of mix-ins, or paths of files like them.

    Returns:
        Seeds that any of the losses has.
    """
    folders = [_top(campaign) / mixin_stem(loss) for loss in losses]
    found = (
        path
        for folder in folders
        for kind in ("*.csv", "*/card.json")
        for path in folder.glob(kind)
    )
    names = (path.stem if path.suffix == ".csv" else path.parent.name for path in found)
    return {int(name) for name in names if name.isdecimal()}


def _config(campaign: Campaign, loss: str) -> Any:
    """All of a run but seed and folder; what is wrong with a file of one's own names the file."""
    try:
        return ENGINES[campaign.engine].config(campaign, loss)
    except Exception as error:
        if not is_mixin_file(loss):
            raise
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise ValueError(f"{loss}: {kind}{error}") from error


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
        found = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            raise ValueError(f"expected seeds as 0-9 or 0,1,2, got {text!r}")
        seeds += range(first, last + 1)
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"expected different seeds, got {text!r}")
    return seeds
