"""What the classes of batches are called, and which labels they join where they overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from seglosses.evaluate.choosing import scored_classes

Regions: TypeAlias = Sequence[str] | Mapping[str, Sequence[int]]
"""Names of classes that overlap; with the labels that each one joins, where labels exist."""


class Naming(NamedTuple):
    """The classes of batches.

    Args:
        labels: Number of labels: of all classes, or 2 of masks without labels.
        scored: Index to name of the classes that are scored.
        regions: Index to the labels that a class joins, for all classes that overlap; empty where
            they do not overlap, and of no labels where they come as masks alone.
    """

    labels: int
    scored: dict[int, str]
    regions: dict[int, tuple[int, ...]]


def named(
    classes: int | Sequence[str], regions: Regions | None, scored: Sequence[int] | None
) -> Naming:
    """The classes that a user names.

    Args:
        classes: Names or number of classes that exclude each other.
        regions: Classes that overlap, in their place.
        scored: Indices of those to score.

    Returns:
        The same for scoring.

    Raises:
        ValueError: For fewer than two classes, regions without labels, labels that are no whole
            numbers, names that occur twice, and indices that do not exist.

    Example:
        >>> named(["wall", "mortar"], None, None)
        Naming(labels=2, scored={1: 'mortar'}, regions={})
        >>> found = named(2, {"tumour": (1, 2), "core": (2,)}, [1])
        >>> found.labels, found.scored, found.regions
        (3, {1: 'core'}, {0: (1, 2), 1: (2,)})
        >>> found = named(2, ["tumour", "core"], None)
        >>> found.labels, found.scored, found.regions
        (2, {0: 'tumour', 1: 'core'}, {0: (), 1: ()})
    """
    names = None if isinstance(classes, int) else list(classes)
    if isinstance(classes, str) or (names is None and classes < 2) or names == []:  # type: ignore[operator]
        raise ValueError(
            f"expected the names of all classes or their number, at least 2, got {classes!r}:"
            " background is one of them"
        )
    count = len(names) if names is not None else classes
    assert isinstance(count, int)
    if regions is None:
        return Naming(count, scored_classes(count, scored, names), {})
    if isinstance(regions, str) or not len(regions):
        raise ValueError(
            "expected regions to be the names of classes that overlap, or a dictionary of names and"
            f" labels such as {{'tumour': (1, 2, 3), 'core': (2, 3)}}, got {regions!r}"
        )
    joined: dict[int, tuple[int, ...]] = dict.fromkeys(range(len(regions)), ())
    if isinstance(regions, Mapping):
        joined = {place: _labels(*item) for place, item in enumerate(regions.items())}
        count = max(count, 1 + max(label for labels in joined.values() for label in labels))
    elif classes != 2:
        raise ValueError(
            "give regions or classes, not both: without labels of their own regions are masks, one"
            " for each"
        )
    names = list(regions)
    every = range(len(names)) if scored is None else scored
    return Naming(count, scored_classes(len(names), every, names), joined)


def _labels(name: str, labels: Sequence[int]) -> tuple[int, ...]:
    given = (labels,) if isinstance(labels, int) else tuple(labels)
    if not given or not all(type(one) is int and one >= 0 for one in given):
        raise ValueError(
            f"expected the labels that region {name!r} joins, such as (1, 2), got {labels!r}"
        )
    return given
