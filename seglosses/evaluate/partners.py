"""Which prediction belongs to which ground truth, and what to do about those left over."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seglosses.evaluate.listing import (
    PairFiles,
    left_out,
    list_files,
    match_files,
    printable,
    shorten,
)
from seglosses.evaluate.result import Failure
from seglosses.evaluate.unread import warn_of_foreign


@dataclass(frozen=True)
class Folders:
    """Where the files lie.

    Args:
        pred: Folder of predictions.
        target: Folder of ground truth.
        pred_suffix: End of the names of predictions.
        target_suffix: End of the names of the ground truth.
        probabilities: Folder of probability maps, None without.
    """

    pred: Path
    target: Path
    pred_suffix: str = ""
    target_suffix: str = ""
    probabilities: Path | None = None

    def left_out(self) -> str:
        """What lies in the folders besides label files, for the conventions.

        Returns:
            Numbers of files by folder and ending.
        """
        sides = {
            "predictions": left_out(self.pred, suffix=self.pred_suffix),
            "ground truth": left_out(self.target, suffix=self.target_suffix),
        }
        return "; ".join(f"{side}: {text}" for side, text in sides.items() if text) or "none"


def partners(folders: Folders, *, keep_going: bool) -> tuple[list[PairFiles], list[Failure]]:
    """Pairs of files, and what has no partner.

    Args:
        folders: Where they lie.
        keep_going: Accept missing partners.

    Returns:
        The pairs, and a failure for each name without partner.

    Raises:
        ValueError: When partners are missing, or probability maps are.
    """
    pairs, without_pred, without_target = match_files(
        folders.pred,
        folders.target,
        pred_suffix=folders.pred_suffix,
        target_suffix=folders.target_suffix,
    )
    problems = []
    if without_pred:
        problems.append(f"{len(without_pred)} without a prediction: {shorten(without_pred)}")
    if without_target:
        problems.append(f"{len(without_target)} without ground truth: {shorten(without_target)}")
    if problems and (not keep_going or not pairs):
        raise ValueError(
            f"{folders.pred} and {folders.target} do not hold the same images; "
            f"{'; '.join(problems)}. Files belong together when their paths below the folders "
            f"agree, endings and suffixes aside{_suffixes(without_target, without_pred)}; "
            "--keep-going takes the pairs there are"
        )
    names = [files.name for files in pairs]
    pred, target = folders.pred_suffix, folders.target_suffix
    warn_of_foreign(
        {
            folders.pred: [name + pred for name in [*names, *without_target]],
            folders.target: [name + target for name in [*names, *without_pred]],
        }
    )
    if _same(folders):
        logging.getLogger("seglosses").warning(
            "both sides are the same files, those of %s, and agree in everything",
            printable(str(folders.target)),
        )
    failures = [Failure(name, "no prediction") for name in without_pred]
    failures += [Failure(name, "no ground truth") for name in without_target]
    if folders.probabilities is not None:
        pairs = _with_probabilities(pairs, folders.probabilities, folders.pred_suffix)
    return pairs, failures


def _same(folders: Folders) -> bool:
    """Whether everything is compared with itself."""
    same = os.path.realpath(folders.pred) == os.path.realpath(folders.target)
    return same and folders.pred_suffix == folders.target_suffix


def _suffixes(preds: Sequence[str], targets: Sequence[str]) -> str:
    """Suffixes that would pair up names, as a hint."""
    for pred, target in zip(sorted(preds), sorted(targets), strict=False):
        both = zip(pred, target, strict=False)
        alike = (place for place, (a, b) in enumerate(both) if a != b)
        same = next(alike, min(len(pred), len(target)))
        if same < min(len(pred), len(target)):
            # Suffixes begin at a separator: _pred and _prob, not red and rob.
            same = max(pred.rfind(mark, 0, same) for mark in "_-. ")
        ends = pred[same:], target[same:]
        stems = [
            {name.removesuffix(end) for name in names if name.endswith(end)}
            for names, end in zip((preds, targets), ends, strict=True)
        ]
        if same > 0 and len(preds) > 1 and stems[0] == stems[1] and len(stems[0]) == len(preds):
            words = [
                f"--{side}-suffix {end}"
                for side, end in zip(("pred", "gt"), ends, strict=True)
                if end
            ]
            return f" ({' '.join(words)} pairs them)"
    return ""


def _with_probabilities(pairs: Sequence[PairFiles], folder: Path, suffix: str) -> list[PairFiles]:
    maps = list_files(folder, maps=True)
    if suffix:
        maps = {**maps, **{name.removesuffix(suffix): path for name, path in maps.items()}}
    missing = [files.name for files in pairs if files.name not in maps]
    if missing:
        raise ValueError(f"{len(missing)} images have no map in {folder}: {shorten(missing)}")
    return [replace(files, prob=maps[files.name]) for files in pairs]
