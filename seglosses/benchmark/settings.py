"""The losses of a setting side by side: own and published runs, and the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seglosses.benchmark.results import Scores
from seglosses.datasets.topomortar import GROUPS

SETS = {"ID": GROUPS[:1], "OOD": GROUPS[1:]}


@dataclass(frozen=True)
class Setting:
    """What is compared with each other.

    Attributes:
        name: ``framework/labels/size``.
        losses: The baseline first, the others by name; all on the same images.
        groups: Group of each image, (images,).
    """

    name: str
    losses: tuple[Scores, ...]
    groups: NDArray[np.str_]

    @property
    def baseline(self) -> Scores:
        """The loss to beat."""
        return self.losses[0]

    def renamed(self, names: Mapping[str, str]) -> Setting:
        """The same with other names to show.

        Args:
            names: Name to show by name of a loss.

        Returns:
            A setting.

        Raises:
            ValueError: Two losses would have one name.
        """
        losses = [replace(one, loss=names.get(one.loss, one.loss)) for one in self.losses]
        shown = [one.loss for one in losses]
        if len(set(shown)) < len(shown):
            raise ValueError(f"expected different names to show, got {', '.join(shown)}")
        return replace(self, losses=tuple(losses))

    def members(self, chosen: str) -> list[NDArray[np.bool_]]:
        """Masks of the images of each group of ``'ID'`` or ``'OOD'`` that has any.

        Args:
            chosen: ``'ID'`` or ``'OOD'``.

        Returns:
            A mask per group, (images,).

        Example:
            >>> setting = Setting("s", (), np.array(["indistr", "angles", "colors"]))
            >>> [mask.tolist() for mask in setting.members("OOD")]
            [[False, True, False], [False, False, True]]
        """
        masks = [self.groups == group for group in SETS[chosen]]
        return [mask for mask in masks if mask.any()]


def loss_key(name: str) -> str:
    """What names of a loss have in common.

    Args:
        name: Name of a folder of runs, or of a mix-in.

    Returns:
        What to compare.

    Example:
        >>> loss_key("CEDice"), loss_key("CEDiceLoss"), loss_key("ce_dice")
        ('cedice', 'cedice', 'cedice')
    """
    return name.lower().replace("_", "").removesuffix("loss")


def settings(
    own: Sequence[Scores],
    published: Sequence[Scores],
    groups: Mapping[str, str],
    baseline: str,
) -> list[Setting]:
    """Put runs together, setting by setting.

    Published runs join the settings that own runs have, on the images that own runs scored; where
    both have a loss of one name, the published one is called ``<name> (published)``.

    Args:
        own: Runs to report.
        published: Runs to report beside them.
        groups: Group of each image.
        baseline: Name of the loss to beat; with or without ``Loss``, own before published.

    Returns:
        One setting for each that own runs have.

    Raises:
        ValueError: Losses were scored on different images, an image has no group, or a setting
            lacks the baseline.

    Example:
        >>> from pathlib import Path
        >>> nothing = np.zeros((1, 1, 1))
        >>> runs = [
        ...     Scores("s", loss, ("1",), ("071",), nothing, ({},), Path())
        ...     for loss in ("clDiceLoss", "CEDiceLoss")
        ... ]
        >>> found = settings(runs, [], {"071": "indistr"}, baseline="CEDice")
        >>> [one.loss for one in found[0].losses]
        ['CEDiceLoss', 'clDiceLoss']
    """
    found = []
    for name in dict.fromkeys(one.setting for one in own):
        mine = [one for one in own if one.setting == name]
        images = mine[0].images
        for one in mine:
            if one.images != images:
                raise ValueError(
                    f"{one.folder} and {mine[0].folder} hold scores of different images"
                    f" ({len(one.images)} and {len(images)}); score both on the same test set"
                )
        names = {one.loss for one in mine}
        for other in published:
            if other.setting == name and set(images) <= set(other.images):
                called = f"{other.loss} (published)" if other.loss in names else other.loss
                mine.append(replace(other.only(images), loss=called, published=True))
        unknown = [image for image in images if image not in groups]
        if unknown:
            raise ValueError(
                f"{len(unknown)} images of {name} have no group in dataset_types.txt: {unknown[0]}…"
            )
        fitting = [one for one in mine if loss_key(one.loss) == loss_key(baseline)]
        if not fitting:
            raise ValueError(
                f"{name} has no loss {baseline!r} to compare with; expected --baseline to be one"
                f" of {', '.join(one.loss for one in mine)}"
            )
        others = sorted((one for one in mine if one is not fitting[0]), key=_order)
        of = np.array([groups[image] for image in images])
        found.append(Setting(name, (fitting[0], *others), of))
    return found


def _order(one: Scores) -> tuple[str, str]:
    return one.loss.lower(), one.loss
