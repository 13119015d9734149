"""Numbers of images that were scored already: counted once, merged, stored and brought back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from seglosses.evaluate.gathering import Part
from seglosses.evaluate.journal import Rows
from seglosses.evaluate.kept import Kept, texts
from seglosses.evaluate.settings import Settings
from seglosses.evaluate.table import Table


class KeptScores:
    """What an accumulator holds of its images.

    Args:
        settings: Everything that changes a number.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kept = self._none()

    @property
    def table(self) -> Table:
        """The numbers of all images of this process."""
        return self.kept.table

    @property
    def images(self) -> list[str]:
        """Ids of the images that this process has scored, or their numbers."""
        return list(self.table.images)

    def add(self, rows: Sequence[Rows], ids: Iterable[Any] | None = None) -> None:
        """Count images whose numbers :meth:`measure` returned, perhaps in another process.

        Args:
            rows: Numbers of each image.
            ids: As for :meth:`update`.

        Raises:
            ValueError: As :meth:`update`.
        """
        known = None if ids is None else texts(ids)
        if known is not None and len(known) != len(rows):
            raise ValueError(f"got {len(known)} ids for {len(rows)} images: give one for each")
        columns = self.table.columns
        values = np.array(
            [[[row[name] for name in columns] for row in image] for image in rows], np.float64
        ).reshape(len(rows), len(self.table.classes), len(columns))
        self.kept.extend(values, known)

    def reset(self) -> None:
        """Forget all images, as before a new epoch."""
        self.kept = self._none()

    def merge(self, other: KeptScores) -> None:
        """Count the images of another accumulator too.

        Args:
            other: Made with the same arguments.

        Raises:
            ValueError: When it scores something else, only one of the two has ids, or an id has
                another ground truth there.
        """
        if other._part().settings != self._part().settings:
            raise ValueError(
                "these two score different columns or classes, or with other options: make both"
                " with the same arguments"
            )
        self.kept.extend(other.kept.values(), other.kept.ids, "same truth")

    def state(self) -> dict[str, Any]:
        """Everything that a checkpoint needs, of plain values and one tensor.

        Returns:
            What :meth:`restore` takes, and ``torch.load(weights_only=True)`` reads.
        """
        part = self._part()
        return {
            "settings": part.settings,
            "ids": part.ids,
            "values": torch.from_numpy(part.values.copy()),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint: what was counted since is forgotten.

        Args:
            state: Of :meth:`state`.

        Raises:
            ValueError: When it is of an accumulator with other columns, classes or options.
        """
        if state["settings"] != self._part().settings:
            raise ValueError(
                "the checkpoint is of Scores with other columns, classes or options: make this one"
                " with the same arguments, or begin anew with reset()"
            )
        KeptScores.reset(self)
        self.kept.extend(state["values"].numpy(), state["ids"])

    def _part(self) -> Part:
        return Part(repr(self.settings), self.kept.ids, self.kept.values())

    def _none(self) -> Kept:
        return Kept(list(self.settings.classes.values()), self.settings.stored())
