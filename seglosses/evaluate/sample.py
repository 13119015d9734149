"""One class of one image: a pair of masks and, where there is one, a probability map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics import Bins, Pair, boundary_band, brier_score, reliability


@dataclass(frozen=True)
class Sample:
    """What columns read.

    Args:
        pair: The masks.
        prob: Probability of the class, in the size of the image; None without probability maps.
        valid: Pixels whose ground truth counts.
        target: True mask in the size of the image.
    """

    pair: Pair
    target: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    prob: NDArray[np.float32] | None = None

    def reliability(self, bins: int, band: float | None = None) -> Bins:
        """Reliability diagram of all pixels, or of those near the true boundary.

        Args:
            bins: Number of bins.
            band: Half width of the band around the true boundary; None for all pixels.

        Returns:
            Sums a bin, over the pixels that count.

        Example:
            >>> mask, every = np.array([[True, False]]), np.ones((1, 2), bool)
            >>> sample = Sample(Pair(mask, mask), mask, every, np.array([[1.0, 0.25]], np.float32))
            >>> sample.reliability(2).gaps  # the second pixel is no foreground
            array([0.25, 0.  ])
        """
        assert self.prob is not None

        def measure() -> Bins:
            assert self.prob is not None
            valid = self.valid
            if band is not None:
                near = boundary_band(self.target, width=band, spacing=self.pair.spacing)
                valid = valid & near
            return reliability(self.prob, self.target, valid=valid, bins=bins)

        return self.pair.remember(("reliability", bins, band), measure)

    def brier(self) -> float:
        """Brier score of all pixels that count.

        Returns:
            A number in [0, 1]; NaN when no pixel counts.

        Example:
            >>> mask, every = np.array([[True, False]]), np.ones((1, 2), bool)
            >>> Sample(Pair(mask, mask), mask, every, np.array([[1.0, 0.5]], np.float32)).brier()
            0.125
        """
        assert self.prob is not None
        prob = self.prob
        return self.pair.remember("brier", lambda: brier_score(prob, self.target, valid=self.valid))

    @property
    def pixels(self) -> int:
        """Number of pixels that count."""
        return int(np.count_nonzero(self.valid))
