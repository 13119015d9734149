"""Scores of batches, one after the other: an evaluation without files."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seglosses import __version__
from seglosses.evaluate.batches import Form, Reader, check_form
from seglosses.evaluate.conventions import of_settings
from seglosses.evaluate.gathering import gather_into, is_distributed
from seglosses.evaluate.in_memory import settings_in_memory, spacings_of
from seglosses.evaluate.kept_scores import KeptScores
from seglosses.evaluate.naming import Regions
from seglosses.evaluate.options import Options
from seglosses.evaluate.overlapping import OverlappingReader
from seglosses.evaluate.result import Evaluation
from seglosses.evaluate.results import Results
from seglosses.evaluate.scoring import score_class
from seglosses.evaluate.summary import summarize
from seglosses.evaluate.tensors import Batch
from seglosses.metrics import EmptyPolicy


class Scores(KeptScores):
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
        regions: Names of classes that overlap, in place of ``classes``: predictions and targets
            are then masks (N, C, *S) with a channel for each, or logits or probabilities where
            ``form`` says so, and no class is background. A dictionary of names and the labels that
            each one joins, ``{"tumour": (1, 2, 3), "core": (2, 3)}``, takes labels (N, *S) too, as
            ``seglosses evaluate`` does of nnU-Net's regions. Each is scored as if it were alone.
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
        timeout: Seconds for which :meth:`compute` waits for the other processes; None for as long
            as their group allows, which is 30 minutes with gloo.

    Raises:
        ValueError: For columns, classes or options that do not exist or do not fit.

    Example:
        >>> import torch
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
        regions: Regions | None = None,
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
        timeout: float | None = None,
    ) -> None:
        settings = settings_in_memory(
            columns,
            classes,
            regions=regions,
            scored=scored,
            ignore_index=ignore_index,
            ndim=ndim,
            spacing=spacing,
            connectivity=connectivity,
            empty=empty,
            options=options,
        )
        KeptScores.__init__(self, settings)
        self.form = check_form(form)
        self.group = group
        self.gather = gather
        self.timeout = timeout
        self._titles = dict(enumerate(regions or ()))

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
            For each image one row per class, with a number for each column, and counts.

        Raises:
            ValueError: As :meth:`update`.
        """
        settings = self.settings
        shared = (
            settings.num_classes, settings.ndim, self.form, settings.target_code,
            settings.pred_code, settings.probabilities, self.names,
        )  # fmt: skip
        reader = (
            OverlappingReader(*shared, settings.regions, self._titles)
            if settings.regions
            else Reader(*shared)
        )
        maps = list(reader.read(pred, target, probabilities))
        spacings = spacings_of(spacing, len(maps), settings)
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
            target: Labels (N, *S) or (N, 1, *S), or one-hot (N, C, *S), of any type. With
                ``regions`` both sides have a channel for each.
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

    def compute(self) -> Results:
        """Scores of all images of all processes.

        In a distributed run every process must call this: one that waits for others says so in
        the log after half a minute.

        Returns:
            A number by name, with intervals, conventions and the table of images beside it.

        Raises:
            ValueError: When no image was scored, processes score different things, or others do
                not come within ``timeout``.
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
        new.timeout, new._titles = self.timeout, self._titles
        new.kept = new._none()
        return new

    def _gathered(self) -> Scores:
        """One with the images of all processes."""
        if not (self.gather and is_distributed()):
            return self
        whole = self._like()
        gather_into(whole.kept, self._part(), self.group, timeout=self.timeout)
        return whole
