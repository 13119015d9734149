"""How far two annotators agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seglosses.advise.profile import Annotators
from seglosses.advise.source import Source, in_own_words, paired, settings_of, spread
from seglosses.evaluate.choosing import Wishes
from seglosses.evaluate.codes import IGNORED, LabelCode
from seglosses.evaluate.listing import PairFiles, printable
from seglosses.evaluate.loading import LabelMaps, load
from seglosses.evaluate.partners import Folders
from seglosses.evaluate.settings import Settings
from seglosses.metrics.error_kinds import rim_pixels


@dataclass(frozen=True)
class _Differing:
    """Foreground pixels of both, those in which they differ, and of these those at rims."""

    total: int
    differing: int
    rim: int


def agreement(
    second: Path, source: Source, wishes: Wishes, settings: Settings, classes: Sequence[int]
) -> tuple[Annotators, list[tuple[str, str]]]:
    """Compare the images that both have labelled; pixels that either ignores do not count.

    Args:
        second: Folder of the other annotator.
        source: Where the label maps lie.
        wishes: What the user says about values.
        settings: How the label maps are read.
        classes: Classes to compare.

    Returns:
        What was found, and files that do not fit, with the reason.

    Raises:
        ValueError: When no image is in both folders, or none shows a class.
    """
    folders = Folders(second, source.labels, source.second_suffix, source.suffix)
    pairs, lone = paired(folders, keep_going=True, suffix="--second-suffix")
    both = replace(settings, pred_code=_code_of(pairs, wishes, settings))
    found: list[_Differing] = []
    apart: list[tuple[str, str]] = []
    for files in spread(pairs, source.limit):
        try:
            found.append(_differing(load(files, both), classes))
        except (ValueError, MemoryError) as error:
            reason = in_own_words(printable(str(error)))
            apart.append((f"{files.name}, second annotator", reason))
    dices = [1 - one.differing / one.total for one in found if one.total]
    if not dices:
        raise ValueError(
            f"{second} and {source.labels} share no image with a foreground"
            + (f"; {apart[0][0]}: {apart[0][1]}" if apart else "")
        )
    missing, surplus = (
        tuple(failure.image for failure in lone if failure.reason == reason)
        for reason in ("no prediction", "no ground truth")
    )
    differing = sum(one.differing for one in found)
    rim = sum(one.rim for one in found) / max(differing, 1)
    empty = len(found) - len(dices)
    return Annotators(len(dices), float(np.median(dices)), rim, empty, missing, surplus), apart


def _code_of(pairs: Sequence[PairFiles], wishes: Wishes, settings: Settings) -> LabelCode:
    """What values mean in the other annotator's files, which are a ground truth too."""
    theirs = [PairFiles(files.name, files.pred, files.pred) for files in pairs]
    if wishes.dataset is None:
        reading = replace(wishes.reading, num_classes=settings.num_classes)
        wishes = replace(wishes, reading=reading)
    return settings_of(theirs, wishes, predicted=False).target_code


def _differing(maps: LabelMaps, classes: Sequence[int]) -> _Differing:
    valid = (maps.target != IGNORED) & (maps.pred != IGNORED)
    total, differing, rim = 0, 0, 0
    for index in classes:
        one, two = (maps.pred == index) & valid, (maps.target == index) & valid
        total += int(one.sum()) + int(two.sum())
        differing += int(np.count_nonzero(one != two))
        rim += rim_pixels(one, two)
    return _Differing(total, differing, rim)
