"""Columns of an evaluation: what one is, and how to choose among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample
from seglosses.metrics.lesions import LESION_MATCHING


@dataclass(frozen=True)
class Pooled:
    """A score of all pixels of all images together: a ratio of sums over images.

    Args:
        title: Name for readers.
        sums: What an image adds to the sums, (k,); the last one is the denominator.
        shares: What each image adds to the numerator, from the sums of all images, (images,
            classes, k) to (images, classes).
        size: Length k of the sums.
    """

    title: str
    sums: Callable[[Sample, Options], NDArray[np.float64]]
    shares: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    size: Callable[[Options], int]


@dataclass(frozen=True)
class Column:
    """One number per image and class.

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
        pooled: The score of all images together, where a mean over images is another number.
        most: Largest number that there is; None for 1 where higher is better, else for no end.
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
    pooled: Pooled | None = None
    most: float | None = None

    def parts(self, options: Options) -> tuple[str, ...]:
        """Names of the sums behind the pooled score, in tables and journals only.

        Args:
            options: They decide how many there are.

        Returns:
            Names, none for a column without a pooled score.

        Example:
            >>> from seglosses.evaluate.calibration_columns import CALIBRATION
            >>> CALIBRATION[2].parts(Options())
            ('brier+0', 'brier+1')
        """
        size = 0 if self.pooled is None else self.pooled.size(options)
        return tuple(f"{self.name}+{index}" for index in range(size))

    def described(self, options: Options) -> Column:
        """The same column with its options written out.

        Args:
            options: What the placeholders in title and meaning stand for.

        Returns:
            A column that reads well.

        Example:
            >>> from seglosses.evaluate.measures import choose_columns
            >>> choose_columns(["nsd"], options=Options(tolerance=3))[0].title
            'NSD@3'
        """
        pixels = options.boundary_width
        width = f"{pixels} pixels" if pixels else "2 % of the diagonal"
        shown = {
            **vars(options),
            "half": options.tolerance / 2,
            "width": width,
            "lesion_rule": LESION_MATCHING[options.lesion_matching],
        }
        return replace(self, title=self.title.format(**shown), meaning=self.meaning.format(**shown))
