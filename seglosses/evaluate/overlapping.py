"""Batches of classes that overlap, such as a tumour and its core: a mask for each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seglosses.evaluate.batches import AXES, Reader
from seglosses.evaluate.codes import IGNORED, LabelCode
from seglosses.evaluate.loading import LabelMaps
from seglosses.evaluate.tensors import decoded, in_range, numbers_of, size_of, whole_numbers


@dataclass(frozen=True)
class OverlappingMaps(LabelMaps):
    """Masks of classes that overlap, (C, *S) on both sides, of 1 inside and 0 outside.

    :data:`IGNORED` in the target marks what does not count, for each class by itself.
    """

    def masks(self, index: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Masks of one class; ignored pixels belong to neither.

        Args:
            index: Index of the class.

        Returns:
            Prediction and target, (*S).

        Example:
            >>> both = np.array([[[1, 1, 0]], [[1, 0, 0]]], np.int16)
            >>> maps = OverlappingMaps(both, np.where(both == 1, 1, IGNORED), None)
            >>> [mask.tolist() for mask in maps.masks(1)]
            [[[True, False, False]], [[True, False, False]]]
        """
        return (self.pred[index] == 1) & self.valid(index), self.target[index] == 1

    def valid(self, index: int) -> NDArray[np.bool_]:
        """Pixels that count for a class, (*S)."""
        return np.asarray(self.target[index] != IGNORED)


@dataclass(frozen=True)
class OverlappingReader(Reader):
    """How batches of classes that overlap are read.

    Args:
        regions: Index to the labels that a class joins; of none where there are masks alone.
        titles: What the classes are called in messages.
    """

    regions: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    titles: Mapping[int, str] = field(default_factory=dict)

    def _maps(
        self,
        pred: NDArray[Any],
        target: NDArray[Any],
        prob: NDArray[np.float32] | None,
    ) -> LabelMaps:
        return OverlappingMaps(pred, target, None, prob)

    def _prediction(self, pred: Tensor) -> tuple[NDArray[Any], Tensor | None]:
        """Masks and, where the prediction has them, probabilities, (C, *S)."""
        if not pred.is_floating_point() or self.form == "labels":
            return self._masks(pred, self.pred, self.pred_code), None
        self._check_channels(pred, self.pred)
        if self.form is None:
            raise ValueError(
                f"{self.pred} holds floating-point numbers, which are logits or probabilities of"
                " each class that overlaps, and only you can tell: set form='logits' or"
                " form='probabilities' (form='labels' for masks stored as floats)"
            )
        prob = self._probabilities(pred, self.form)
        return numbers_of((prob > 0.5).to(pred.dtype)).astype(np.int16), prob

    def _truth(self, target: Tensor) -> NDArray[Any]:
        return self._masks(target, self.target, self.target_code)

    def _probabilities(self, pred: Tensor, form: str) -> Tensor:
        """Probabilities of each class, (C, *S)."""
        self._check_channels(pred, form)
        pred = in_range(pred, form, self.pred)
        return pred.sigmoid() if form == "logits" else pred

    def _masks(self, given: Tensor, name: str, code: LabelCode) -> NDArray[Any]:
        """Masks (C, *S) of masks, or of labels (*S) or (1, *S)."""
        labelled = any(self.regions.values())
        if labelled and given.dim() == self.ndim + 1 and len(given) == 1:
            given = given[0]
        if labelled and given.dim() == self.ndim:
            labels = decoded(code, whole_numbers(given, name, self.pred), name)
            joined = [np.isin(labels, of).astype(np.int16) for of in self.regions.values()]
            return np.where(labels == IGNORED, np.int16(IGNORED), np.stack(joined))
        self._check_channels(given, name)
        known = {0: 0, 1: 1, **{v: i for v, i in code.classes.items() if i == IGNORED}}
        masks = LabelCode(known, code.origin, code.side)
        return np.stack(
            [
                decoded(masks, whole_numbers(one, name, self.pred), f"{name} of {title}")
                for one, title in zip(given, self.titles.values(), strict=True)
            ]
        )

    def _check_channels(self, given: Tensor, name: str) -> None:
        if given.dim() == self.ndim + 1 and len(given) == len(self.regions):
            return
        axes, count = AXES[self.ndim], len(self.regions)
        labels = f", or labels (N, {axes})" if any(self.regions.values()) else ""
        other = 5 - self.ndim
        raise ValueError(
            f"{name}: expected a channel for each of {', '.join(self.titles.values())}, which"
            f" overlap, (N, {count}, {axes}){labels}, got (N, {size_of(given, ', ')}); of logits"
            " that exclude each other give the labels, logits.argmax(1); for"
            f" {'volumes' if other == 3 else 'images'} set ndim={other}"
        )
