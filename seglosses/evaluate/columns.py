"""Columns of an evaluation: what one is, and how to choose among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample


@dataclass(frozen=True)
class Column:
    """One number an image and class.

    Args:
        name: Name in CSV files.
        title: Name for readers; may show options, such as {tolerance}.
        group: Group that selects it.
        better: Whether higher or lower numbers are better.
        meaning: Definition in a line, with every convention that changes the number.
        measure: The number of a sample.
        dimensions: Dimensions of the images that have this number.
        needs_probabilities: Whether it reads probability maps.
        hidden: Whether it is computed only when asked for by name or group.
        headline: Whether reports show it first and under each image.
    """

    name: str
    title: str
    group: str
    better: Literal["higher", "lower"]
    meaning: str
    measure: Callable[[Sample, Options], float]
    dimensions: tuple[int, ...] = (2, 3)
    needs_probabilities: bool = False
    hidden: bool = False
    headline: bool = False

    def described(self, options: Options) -> Column:
        """The same column with its options written out."""
        width = options.boundary_width or "2 % of the diagonal"
        shown = {**vars(options), "half": options.tolerance / 2, "width": width}
        return replace(self, title=self.title.format(**shown), meaning=self.meaning.format(**shown))
