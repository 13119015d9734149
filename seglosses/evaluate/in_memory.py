"""Settings of a run whose images come in memory, from what the caller says alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import torch

from seglosses.evaluate.batches import Form
from seglosses.evaluate.codes import IGNORED, LabelCode
from seglosses.evaluate.measures import COLUMNS, choose_columns
from seglosses.evaluate.naming import Regions, named
from seglosses.evaluate.options import Options
from seglosses.evaluate.settings import Settings
from seglosses.metrics import EmptyPolicy
from seglosses.metrics.empty import policy
from seglosses.primitives.distance import spacing_of


class ScoresOptions(TypedDict, total=False):
    """Keywords of :class:`seglosses.evaluate.accumulator.Scores`, as hosts hand them on."""

    regions: Regions | None
    scored: Sequence[int] | None
    ignore_index: int | None
    form: Form | None
    ndim: int
    spacing: Sequence[float] | float | None
    connectivity: int | None
    empty: EmptyPolicy
    options: Options | Mapping[str, Any] | None
    timeout: float | None


def settings_in_memory(
    columns: str | Sequence[str] | None,
    classes: int | Sequence[str],
    *,
    regions: Regions | None,
    scored: Sequence[int] | None,
    ignore_index: int | None,
    ndim: int,
    spacing: Sequence[float] | float | None,
    connectivity: int | None,
    empty: EmptyPolicy,
    options: Options | Mapping[str, Any] | None,
) -> Settings:
    """Everything that changes a number.

    Args:
        columns: See :class:`seglosses.evaluate.accumulator.Scores`, as all others.
        classes: Names or number.
        regions: Classes that overlap.
        scored: Indices of the classes to score.
        ignore_index: Label that does not count.
        ndim: 2 or 3.
        spacing: Edge lengths of a pixel.
        connectivity: Of the foreground.
        empty: Policy for empty masks.
        options: Parameters of metrics.

    Returns:
        The settings.

    Raises:
        ValueError: For columns, classes or options that do not exist or do not fit.
    """
    if ndim not in (2, 3):
        raise ValueError(f"expected ndim of 2 for images or 3 for volumes, got {ndim!r}")
    naming = named(classes, regions, scored)
    wanted = [columns] if isinstance(columns, str) else columns
    probable = wanted is not None and any(
        column.needs_probabilities and {column.name, column.group} & set(wanted)
        for column in COLUMNS
    )
    given = options if isinstance(options, Options) else Options(**(options or {}))
    chosen = choose_columns(wanted, ndim=ndim, probabilities=probable, options=given)
    indices = {index: index for index in range(naming.labels)}
    truth = indices if ignore_index is None else {**indices, ignore_index: IGNORED}
    return Settings(
        num_classes=naming.labels,
        classes=naming.scored,
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
        regions=naming.regions,
    )


def spacings_of(spacing: Any, count: int, settings: Settings) -> list[tuple[float, ...] | None]:
    """Edge lengths of a pixel of each image of a batch.

    Args:
        spacing: One for all, a list with one for each image, or None for that of the settings.
        count: Number of images.
        settings: Of the run.

    Returns:
        As many as there are images.

    Raises:
        ValueError: For a list of another length.
    """
    if spacing is None:
        return [settings.spacing] * count
    each = [spacing] * count
    if np.ndim(np.asarray(spacing, dtype=object)) and np.ndim(spacing[0]):
        each = list(spacing)
        if len(each) != count:
            raise ValueError(f"got the spacing of {len(each)} images for {count}")
    return [spacing_of(settings.ndim, _plain(one)) for one in each]


def _plain(spacing: Any) -> Any:
    return spacing.tolist() if isinstance(spacing, torch.Tensor | np.ndarray) else spacing
