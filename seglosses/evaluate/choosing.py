"""Derive the settings of a run from the user's options and the contents of the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from seglosses.evaluate.colours import read_colours
from seglosses.evaluate.labels import Reading, codes_of
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.nnunet import Dataset, check_foreground
from seglosses.evaluate.options import Options
from seglosses.evaluate.scan import look
from seglosses.evaluate.settings import Settings
from seglosses.metrics import EmptyPolicy
from seglosses.metrics.empty import policy
from seglosses.primitives.distance import spacing_of
from seglosses.topology.components import check_connectivity


@dataclass(frozen=True)
class Wishes:
    """What the user says about a run, see :func:`seglosses.evaluate.evaluate`."""

    reading: Reading = field(default_factory=Reading)
    colours: Path | None = None
    classes: Sequence[int] | None = None
    class_names: Sequence[str] | None = None
    metrics: Sequence[str] | None = None
    schema: str | None = None
    spacing: Sequence[float] | float | None = None
    connectivity: int | None = None
    empty: EmptyPolicy = "skip"
    options: Options = field(default_factory=Options)
    probabilities: bool = False
    ignore_affine: bool = False
    dataset: Dataset | None = None


def choose_settings(pairs: Sequence[PairFiles], wishes: Wishes) -> Settings:
    """Settings that fit the files.

    Args:
        pairs: All images.
        wishes: What the user says.

    Returns:
        Everything that changes a number.

    Raises:
        ValueError: When options are unknown, contradict each other, or do not fit the files.
    """
    empty = policy(wishes.empty)
    said, names = wishes.reading, wishes.class_names
    if wishes.colours is not None:
        table = read_colours(wishes.colours, names)
        count = len(table.names) if table.names and said.num_classes is None else said.num_classes
        said, names = replace(said, colours=table.classes, num_classes=count), table.names
    regions = {}
    classes: dict[int, str] | None = None
    if wishes.dataset is not None:
        said, names = wishes.dataset.reading(said), wishes.dataset.labels
        if wishes.dataset.regions is not None:
            own = list(wishes.dataset.regions)
            regions = dict(enumerate(wishes.dataset.regions.values()))
            classes = scored_classes(len(own), wishes.classes or range(len(own)), own)
    seen = look(pairs, said)
    pred_code, target_code, count = codes_of(seen.pred, seen.target, said)
    ndim = seen.ndim
    check_connectivity(wishes.connectivity, ndim)
    settings = Settings(
        num_classes=count,
        classes=classes or scored_classes(count, wishes.classes, names),
        pred_code=pred_code,
        target_code=target_code,
        columns=_column_names(wishes.metrics, wishes.schema, ndim, wishes.probabilities),
        connectivity=wishes.connectivity,
        spacing=None if wishes.spacing is None else spacing_of(ndim, wishes.spacing),
        empty=empty,
        options=wishes.options,
        ndim=ndim,
        probabilities=wishes.probabilities,
        ignore_affine=wishes.ignore_affine,
        one_slice=ndim == 2 and seen.single_slices > 0,
        asked=wishes.classes is not None,
        regions=regions,
    )
    if wishes.schema == "nnunet":
        check_foreground(settings)
    return settings


def _column_names(
    metrics: Sequence[str] | None, schema: str | None, ndim: int, probabilities: bool
) -> tuple[str, ...]:
    if schema not in (None, "nnunet", "topomortar"):
        raise ValueError(f"expected the schema nnunet or topomortar, got {schema!r}")
    chosen = choose_columns(metrics, ndim=ndim, probabilities=probabilities)
    if schema == "topomortar":
        chosen += choose_columns([schema], ndim=ndim)
    return tuple(dict.fromkeys(column.name for column in chosen))


def scored_classes(
    count: int, classes: Sequence[int] | None = None, names: Sequence[str] | None = None
) -> dict[int, str]:
    """Names of the classes that are scored.

    Args:
        count: Number of all classes.
        classes: Indices of those to score; None for class 1 of two, all of more.
        names: Names of all classes; None for their numbers.

    Returns:
        Index to name.

    Raises:
        ValueError: For other numbers of names, names that occur twice, and classes that do not
            exist.

    Example:
        >>> scored_classes(2), scored_classes(3, [2], ["sky", "road", "car"])
        ({1: 'foreground'}, {2: 'car'})
    """
    if names is not None and (len(names) != count or len(set(names)) != count):
        raise ValueError(f"expected {count} different class names, got {len(names)}: {names}")
    if names is None:
        names = ["background", "foreground"] if count == 2 else [str(i) for i in range(count)]
    chosen = classes if classes is not None else ([1] if count == 2 else range(count))
    wrong = [index for index in chosen if index not in range(count)]
    if wrong or not list(chosen):
        raise ValueError(f"expected classes in 0..{count - 1}, got {list(chosen)}")
    return {index: names[index] for index in dict.fromkeys(chosen)}
