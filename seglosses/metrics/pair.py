"""One prediction against one ground truth: every expensive statistic, measured at most once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seglosses.metrics.empty import EmptyPolicy, is_left_out, policy
from seglosses.primitives.distance import Spacing, spacing_of, surface
from seglosses.primitives.masks import Mask, as_mask
from seglosses.primitives.nearest import distances_at
from seglosses.topology import betti_numbers, label_components
from seglosses.topology.skeleton import skeletonize

Statistic = TypeVar("Statistic")


@dataclass(frozen=True)
class Sides:
    """The same statistic of the prediction and of the target.

    Example:
        >>> both = Pair([[1, 1, 1]], [[1, 0, 1]]).components
        >>> both.pred.tolist(), both.target.tolist()
        ([[1, 1, 1]], [[1, 0, 2]])
    """

    pred: NDArray[np.generic]
    target: NDArray[np.generic]


class Pair:
    """A predicted and a true mask of one class, and what metrics read off them.

    Statistics are computed on demand, once, inside the bounding box of the two masks together.
    Cropping changes no value: distances run between mask pixels, and what lies outside the box
    is background connected to the outside.

    Args:
        pred: Predicted mask, (H, W) or (D, H, W); booleans, or 0 and 1.
        target: True mask of the same shape.
        spacing: Edge lengths of a pixel, one per axis; None for pixels.
        connectivity: Of the foreground, 8 (26) or 4 (6); the background takes the other one.
        empty: What an empty mask means, see :data:`seglosses.metrics.empty.POLICIES`.

    Raises:
        ValueError: When shapes differ, have neither two nor three axes, a mask holds anything but
            0 and 1 (probabilities, labels, 255), or the policy is unknown.

    Example:
        >>> pair = Pair([[1, 1, 0, 0]], [[0, 1, 1, 0]])
        >>> pair.true_positives, pair.false_positives, pair.false_negatives
        (1, 1, 1)
    """

    def __init__(
        self,
        pred: ArrayLike,
        target: ArrayLike,
        *,
        spacing: Spacing = None,
        connectivity: int | None = None,
        empty: EmptyPolicy = "skip",
    ) -> None:
        pred_mask = as_mask(pred, "prediction")
        target_mask = as_mask(target, "ground truth")
        if pred_mask.shape != target_mask.shape:
            raise ValueError(
                f"prediction and ground truth differ in shape: {pred_mask.shape} against "
                f"{target_mask.shape}; resample the prediction (nearest neighbour) first"
            )
        if pred_mask.ndim not in (2, 3):
            raise ValueError(
                f"expected masks (H, W) or (D, H, W), got shape {pred_mask.shape}; "
                "make one pair per image and class"
            )
        self.shape = pred_mask.shape
        self.spacing = spacing_of(pred_mask.ndim, spacing)
        self.connectivity = connectivity
        self.empty = policy(empty)
        self.box = bounding_box(pred_mask | target_mask)
        self.pred: Mask = pred_mask[self.box]
        self.target: Mask = target_mask[self.box]
        self._remembered: dict[Hashable, Any] = {}

    def remember(self, name: Hashable, measure: Callable[[], Statistic]) -> Statistic:
        """Measure a statistic that has parameters, once.

        Args:
            name: Which statistic, and with what parameters.
            measure: Called when nobody has asked for it yet.

        Returns:
            What it found, then or now.

        Example:
            >>> pair = Pair([[1]], [[1]])
            >>> pair.remember(("sum", 2), lambda: 4), pair.remember(("sum", 2), lambda: 5)
            (4, 4)
        """
        if name not in self._remembered:
            self._remembered[name] = measure()
        return self._remembered[name]  # type: ignore[no-any-return]

    def uncropped(self) -> tuple[Mask, Mask]:
        """Both masks in the size of the image.

        Returns:
            Prediction and target, (*S).

        Example:
            >>> pair = Pair([[0, 1, 0]], [[0, 1, 0]])
            >>> pair.pred.shape, pair.uncropped()[0].shape
            ((1, 1), (1, 3))
        """
        pred, target = np.zeros(self.shape, bool), np.zeros(self.shape, bool)
        pred[self.box], target[self.box] = self.pred, self.target
        return pred, target

    @cached_property
    def true_positives(self) -> int:
        """Number of pixels in both masks."""
        return int(np.count_nonzero(self.pred & self.target))

    @cached_property
    def false_positives(self) -> int:
        """Number of pixels in the prediction only."""
        return int(np.count_nonzero(self.pred)) - self.true_positives

    @cached_property
    def false_negatives(self) -> int:
        """Number of pixels in the target only."""
        return int(np.count_nonzero(self.target)) - self.true_positives

    @property
    def pred_empty(self) -> bool:
        """Whether the prediction holds nothing."""
        return self.true_positives + self.false_positives == 0

    @property
    def target_empty(self) -> bool:
        """Whether the target holds nothing."""
        return self.true_positives + self.false_negatives == 0

    @cached_property
    def diagonal(self) -> float:
        """Distance between the centres of opposite corner pixels of the whole image.

        Example:
            >>> Pair(np.zeros((4, 5)), np.zeros((4, 5))).diagonal  # of 3 and 4
            5.0
        """
        edges = [(size - 1) * length for size, length in zip(self.shape, self.spacing, strict=True)]
        return float(np.linalg.norm(edges))

    @property
    def left_out(self) -> bool:
        """Whether the policy leaves this pair out of every mean.

        Example:
            >>> Pair([[0]], [[0]]).left_out
            True
        """
        return is_left_out(self.empty, self.pred_empty, self.target_empty)

    def undefined(self, perfect: float, worst: float) -> float:
        """Value of a metric whose definition fails because a mask is empty.

        Args:
            perfect: Value when both masks are empty and the policy is ``perfect``.
            worst: Value when one mask is empty and the policy does not leave the pair out.

        Returns:
            One of them, or NaN, as the policy says.

        Example:
            >>> Pair([[0]], [[0]], empty="perfect").undefined(perfect=1, worst=0)
            1
        """
        if self.left_out:
            return float("nan")
        return perfect if self.pred_empty and self.target_empty else worst

    @cached_property
    def surfaces(self) -> Sides:
        """Surface pixels of both masks; mask pixels on the image border count.

        Example:
            >>> Pair(np.ones((3, 3)), np.ones((3, 3))).surfaces.pred.astype(int).tolist()
            [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
        """
        return Sides(surface(self.pred), surface(self.target))

    @cached_property
    def surface_distances(self) -> Sides:
        """Distances from each surface pixel of one mask to the other's surface, flat, float64.

        An infinite distance means that the other mask is empty.

        Example:
            >>> both = Pair([[1, 0, 0, 0, 1]], [[0, 0, 1, 0, 0]]).surface_distances
            >>> both.pred.tolist(), both.target.tolist()
            ([2.0, 2.0], [2.0])
        """
        pred, target = self.surfaces.pred, self.surfaces.target
        return Sides(
            distances_at(pred, target, self.spacing),
            distances_at(target, pred, self.spacing),
        )

    @cached_property
    def skeletons(self) -> Sides:
        """Hard skeletons of both masks.

        Example:
            >>> Pair([[1, 1, 1]], [[1, 0, 1]]).skeletons.pred.astype(int).tolist()  # thin already
            [[1, 1, 1]]
        """
        return Sides(skeletonize(self.pred), skeletonize(self.target))

    @cached_property
    def components(self) -> Sides:
        """Component labels of both masks, 0 for background.

        Example:
            >>> Pair([[1, 0], [0, 1]], [[1, 0], [0, 1]]).components.pred.tolist()  # by a corner
            [[1, 0], [0, 1]]
        """
        return Sides(
            label_components(self.pred, connectivity=self.connectivity)[0],
            label_components(self.target, connectivity=self.connectivity)[0],
        )

    @cached_property
    def betti(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Betti numbers of the prediction and of the target.

        Example:
            >>> Pair([[1, 1, 1], [1, 0, 1], [1, 1, 1]], [[1, 0, 1]] * 3).betti  # a ring, two bars
            ((1, 1), (2, 0))
        """
        return (
            betti_numbers(self.pred, connectivity=self.connectivity),
            betti_numbers(self.target, connectivity=self.connectivity),
        )

    @cached_property
    def euler(self) -> tuple[int, int]:
        """Euler numbers of the prediction and of the target.

        Example:
            >>> Pair([[1, 1, 1], [1, 0, 1], [1, 1, 1]], [[1, 0, 1]] * 3).euler  # a ring, two bars
            (0, 2)
        """
        pred, target = (sum(numbers[::2]) - sum(numbers[1::2]) for numbers in self.betti)
        return pred, target


def other_connectivity(connectivity: int | None, ndim: int) -> int:
    """Connectivity of the background that belongs to one of the foreground.

    Args:
        connectivity: Of the foreground; None for 8 (26).
        ndim: Number of axes.

    Returns:
        4 or 8, in 3D 6 or 26.

    Example:
        >>> other_connectivity(None, 2), other_connectivity(6, 3)
        (4, 26)
    """
    sparse, full = {2: (4, 8), 3: (6, 26)}[ndim]
    return full if connectivity == sparse else sparse


def bounding_box(mask: Mask) -> tuple[slice, ...]:
    """Smallest box that holds the mask; one pixel at the origin when the mask is empty.

    Args:
        mask: Boolean mask, (*S).

    Returns:
        A slice for each axis.

    Example:
        >>> bounding_box(np.array([[0, 0, 0], [0, 1, 1]], bool))
        (slice(1, 2, None), slice(1, 3, None))
    """
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        found = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 1))
    return tuple(box)
