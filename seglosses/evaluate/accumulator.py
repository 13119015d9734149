"""Scores of batches, one after the other: an evaluation without files."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from seglosses import __version__
from seglosses.evaluate.batches import Batch, Form, Reader, check_form
from seglosses.evaluate.choosing import scored_classes
from seglosses.evaluate.codes import IGNORED, LabelCode
from seglosses.evaluate.conventions import of_settings
from seglosses.evaluate.gathering import Part, all_parts, dealt, is_distributed
from seglosses.evaluate.kept import Kept, texts
from seglosses.evaluate.measures import COLUMNS, choose_columns
from seglosses.evaluate.options import Options
from seglosses.evaluate.result import Evaluation
from seglosses.evaluate.results import Results
from seglosses.evaluate.scoring import score_class
from seglosses.evaluate.settings import Settings
from seglosses.evaluate.summary import summarize
from seglosses.evaluate.table import Table
from seglosses.metrics import EmptyPolicy
from seglosses.metrics.empty import policy
from seglosses.primitives.distance import spacing_of

Rows = Sequence[Mapping[str, float]]
"""Numbers by name, one mapping for each class."""


class Scores:
    """The scores of ``seglosses evaluate`` of batches of a validation, without files.

    An image is scored when it comes, and only its numbers are kept: eight bytes for each column
    and class. Every number, interval and convention is that of ``seglosses evaluate`` on the same
    label maps, to the last digit where images come in the order of their names or have ``ids``.

    In a distributed run every process updates with its own images and calls :meth:`compute`, which
    gathers them; processes may have unequal numbers of batches. Give ``ids`` there: samplers repeat
    samples so that all processes have as many, and an id counts once.

    Where torchmetrics is installed, ``seglosses.metrics.Scores`` is a ``torchmetrics.Metric`` too,
    see :mod:`seglosses.hosts.torchmetrics`.

    Args:
        columns: Groups or names of columns, as of ``seglosses evaluate --metrics``; None for all
            that need no probabilities.
        classes: Names of all classes, background among them, or how many there are.
        scored: Indices of those to score; None for class 1 of two, all of more. A class that is
            called background is in no mean of classes unless it is named here.
        ignore_index: Label of the ground truth that does not count. Without it 255 is no class,
            and an error.
        form: What floating-point predictions are: ``'logits'``, ``'probabilities'`` or
            ``'labels'``. None takes several channels for logits, and asks where there is one.
        ndim: 2 for images, 3 for volumes.
        spacing: Edge lengths of a pixel in the order of the axes; None for 1.
        connectivity: 8 or 4 (26 or 6 in 3D); None for the larger one.
        empty: What to do where a mask is empty, see :data:`seglosses.metrics.empty.POLICIES`.
        options: Parameters of metrics, such as the tolerance.
        group: Process group that is gathered from; None for all processes.
        gather: Whether :meth:`compute` gathers from other processes.

    Raises:
        ValueError: For columns, classes or options that do not exist or do not fit.

    Example:
        >>> scores = Scores(["dice", "betti0_error"], ["wall", "mortar"])
        >>> logits = torch.tensor([[[[0.0, 5.0, 0.0]], [[3.0, 0.0, 3.0]]]])  # 1, 0, 1
        >>> scores.update(logits, torch.tensor([[[1, 1, 1]]]), ids=["001"])
        >>> scores.compute()["dice"]  # 2 x 2 / (2 + 3)
        0.8
        >>> scores.compute().interval("betti0_error"), scores.images  # of one image there is none
        ((nan, nan), ['001'])
    """

    names: tuple[str, str] = ("pred", "target")
    """What the two sides are called in messages."""

    def __init__(
        self,
        columns: str | Sequence[str] | None = None,
        classes: int | Sequence[str] = 2,
        *,
        scored: Sequence[int] | None = None,
        ignore_index: int | None = None,
        form: Form | None = None,
        ndim: int = 2,
        spacing: Sequence[float] | float | None = None,
        connectivity: int | None = None,
        empty: EmptyPolicy = "skip",
        options: Options | Mapping[str, Any] | None = None,
        group: Any = None,
        gather: bool = True,
    ) -> None:
        if ndim not in (2, 3):
            raise ValueError(f"expected ndim of 2 for images or 3 for volumes, got {ndim!r}")
        names = None if isinstance(classes, int) else list(classes)
        if isinstance(classes, str) or (names is None and classes < 2) or names == []:  # type: ignore[operator]
            raise ValueError(
                f"expected the names of all classes or their number, at least 2, got {classes!r}:"
                " background is one of them"
            )
        count = len(names) if names is not None else classes
        assert isinstance(count, int)
        wanted = [columns] if isinstance(columns, str) else columns
        probable = wanted is not None and any(
            column.needs_probabilities and {column.name, column.group} & set(wanted)
            for column in COLUMNS
        )
        given = options if isinstance(options, Options) else Options(**(options or {}))
        chosen = choose_columns(wanted, ndim=ndim, probabilities=probable, options=given)
        indices = {index: index for index in range(count)}
        truth = indices if ignore_index is None else {**indices, ignore_index: IGNORED}
        self.settings = Settings(
            num_classes=count,
            classes=scored_classes(count, scored, names),
            pred_code=LabelCode(indices, "labels in memory", "prediction"),
            target_code=LabelCode(truth, "labels in memory"),
            columns=tuple(column.name for column in chosen),
            connectivity=connectivity,
            spacing=None if spacing is None else spacing_of(ndim, spacing),
            empty=policy(empty),
            options=given,
            ndim=ndim,
            probabilities=probable,
            asked=scored is not None,
        )
        self.form = check_form(form)
        self.group = group
        self.gather = gather
        self.kept = self._none()

    @property
    def table(self) -> Table:
        """The numbers of all images of this process."""
        return self.kept.table

    @property
    def images(self) -> list[str]:
        """Ids of the images that this process has scored, or their numbers."""
        return list(self.table.images)

    def measure(
        self,
        pred: Batch,
        target: Batch,
        *,
        probabilities: Batch | None = None,
        spacing: Any = None,
    ) -> list[list[dict[str, float]]]:
        """The numbers of a batch, without keeping them.

        Args:
            pred: As for :meth:`update`.
            target: As for :meth:`update`.
            probabilities: As for :meth:`update`.
            spacing: As for :meth:`update`.

        Returns:
            For each image a row a class, with a number by column, and counts.

        Raises:
            ValueError: As :meth:`update`.
        """
        settings = self.settings
        reader = Reader(
            settings.num_classes,
            settings.ndim,
            self.form,
            settings.target_code,
            settings.pred_code,
            settings.probabilities,
            self.names,
        )
        maps = list(reader.read(pred, target, probabilities))
        spacings = self._spacings(spacing, len(maps))
        return [
            [
                score_class(replace(one, spacing=edges), index, settings)
                for index in settings.classes
            ]
            for one, edges in zip(maps, spacings, strict=True)
        ]

    def update(
        self,
        pred: Batch,
        target: Batch,
        probabilities: Batch | None = None,
        ids: Iterable[Any] | None = None,
        spacing: Any = None,
    ) -> None:
        """Score a batch.

        Args:
            pred: Logits or probabilities (N, C, *S), or (N, 1, *S) of the foreground; or labels
                (N, *S) or (N, 1, *S), or one-hot (N, C, *S). A tensor of any device, an array, or
                a list with one without N for each image, whose sizes may differ.
            target: Labels (N, *S) or (N, 1, *S), or one-hot (N, C, *S), of any type.
            probabilities: (N, C, *S), where `pred` is labels and calibration is scored.
            ids: One for each image, such as the names of its files. An id that came before is not
                counted again.
            spacing: Edge lengths of a pixel, or a list with those of each image; None for those of
                the constructor.

        Raises:
            ValueError: For other layouts, labels that are no class, numbers of images that differ,
                and an id that comes again with other numbers. Nothing of the batch counts then.
        """
        self.add(self.measure(pred, target, probabilities=probabilities, spacing=spacing), ids)

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

    def compute(self) -> Results:
        """Scores of all images of all processes.

        In a distributed run every process must call this.

        Returns:
            A number by name, with intervals, conventions and the table of images beside it.

        Raises:
            ValueError: When no image was scored, or processes score different things.
        """
        whole = self._gathered()
        if not len(whole.table):
            raise ValueError("no image was scored: call update() before compute()")
        found = whole.local()
        if found.evaluation.no_score:
            logging.getLogger("seglosses").warning(found.evaluation.no_score)
        return found

    def local(self) -> Results:
        """Scores of the images of this process alone.

        Returns:
            As :meth:`compute`.
        """
        settings, table = self.settings, self.kept.in_order()
        summary = summarize(table, settings.chosen(), settings.options, outside=settings.outside)
        said = {"version": f"seglosses {__version__}", **of_settings(settings)}
        return Results(Evaluation(table, tuple(summary), said, (), (), settings))

    def reset(self) -> None:
        """Forget all images, as before a new epoch."""
        self.kept = self._none()

    def merge(self, other: Scores) -> None:
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
        Scores.reset(self)
        self.kept.extend(state["values"].numpy(), state["ids"])

    def better(self) -> dict[str, str]:
        """Whether more or less of each number is better, before any image has come.

        Returns:
            ``'higher'`` or ``'lower'`` by the keys of :meth:`compute`.

        Example:
            >>> Scores("overlap", 2).better()["iou_dataset"], Scores("hd95", 2).better()
            ('higher', {'hd95': 'lower'})
        """
        empty = self._like()
        empty.add([[dict.fromkeys(self.table.columns, 0.0)] * len(self.table.classes)])
        found = empty.local()
        return {key: found.better(key) for key in found}

    def _like(self) -> Scores:
        """One without images, that scores the same."""
        new = Scores.__new__(Scores)
        new.settings, new.form, new.group, new.gather = self.settings, self.form, None, False
        new.kept = new._none()
        return new

    def _gathered(self) -> Scores:
        """One with the images of all processes."""
        if not (self.gather and is_distributed()):
            return self
        parts = all_parts(self._part(), self.group)
        whole = self._like()
        if any(part.ids is not None for part in parts):
            for part in parts:
                whole.kept.extend(part.values, part.ids, "same truth")
            return whole
        counts = {len(part.values) for part in parts}
        if counts != {0}:
            warnings.warn(
                "Scores counts every image of every process, for update() got no ids: a distributed"
                " sampler that repeats samples so that all processes have as many counts them"
                " twice; give ids=, such as the names of the files",
                stacklevel=3,
            )
        values = dealt([list(part.values) for part in parts])
        whole.kept.extend(np.array(values).reshape(-1, *parts[0].values.shape[1:]), None)
        return whole

    def _part(self) -> Part:
        return Part(repr(self.settings), self.kept.ids, self.kept.values())

    def _none(self) -> Kept:
        return Kept(list(self.settings.classes.values()), self.settings.stored())

    def _spacings(self, spacing: Any, count: int) -> list[tuple[float, ...] | None]:
        """Edge lengths for each image."""
        if spacing is None:
            return [self.settings.spacing] * count
        each = [spacing] * count
        if np.ndim(np.asarray(spacing, dtype=object)) and np.ndim(spacing[0]):
            each = list(spacing)
            if len(each) != count:
                raise ValueError(f"got the spacing of {len(each)} images for {count}")
        return [spacing_of(self.settings.ndim, _plain(one)) for one in each]


def _plain(spacing: Any) -> Any:
    return spacing.tolist() if isinstance(spacing, torch.Tensor | np.ndarray) else spacing
