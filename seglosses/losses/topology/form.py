"""Options of Betti matching as one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seglosses.primitives.checks import check_range
from seglosses.topology.filtration import Construction, Filtration, check_choice
from seglosses.topology.matching import ImageIntervals

Levels = Literal["superlevel", "sublevel", "both"]
#: Pixels of a side, or those of each axis.
Side = int | tuple[int, ...]


@dataclass(frozen=True)
class Form:
    """Options of :func:`~seglosses.losses.topology.matching.betti_matching_loss`, checked once.

    Example:
        >>> Form(filtration="both").levels
        ('superlevel', 'sublevel')
    """

    filtration: Levels = "superlevel"
    construction: Construction = "V"
    image_intervals: ImageIntervals = "all"
    essential: bool = True
    min_length: float = 0.0
    weights: tuple[float, float] = (1.0, 1.0)
    push_unmatched: bool = False
    window: Side | None = None
    threads: int | None = None
    crop: Side | None = None
    remember: int = 0

    def __post_init__(self) -> None:
        check_range("[0, inf)", min_length=self.min_length)
        check_choice("filtration", self.filtration, ("superlevel", "sublevel", "both"))
        check_choice("construction", self.construction, ("V", "T"))
        check_choice("image_intervals", self.image_intervals, ("all", "positive"))
        remedy = "or None for whole maps"
        for name, side in (("window", self.window), ("crop", self.crop)):
            for length in () if side is None else side if isinstance(side, tuple) else (side,):
                check_range("[2, inf)", whole=True, remedy=remedy, **{name: length})
        check_range("[0, inf)", whole=True, remember=self.remember)
        if len(self.weights) != 2:
            raise ValueError(
                f"weights must be those of matched and surplus bars, got {self.weights!r}"
            )
        for share in self.weights:
            check_range("[0, inf)", weights=share)
        if self.threads is not None:
            check_range("[1, inf)", whole=True, threads=self.threads)

    @property
    def levels(self) -> tuple[Filtration, ...]:
        """The filtrations whose losses are averaged."""
        return ("superlevel", "sublevel") if self.filtration == "both" else (self.filtration,)
