"""Batches of tensors as they come from a training, turned into one pair of label maps per image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.evaluate.codes import LabelCode
from seglosses.evaluate.loading import LabelMaps
from seglosses.evaluate.tensors import (
    Batch,
    decoded,
    images_of,
    in_range,
    numbers_of,
    size_of,
    sums_to_one,
    whole_numbers,
)

Form: TypeAlias = Literal["labels", "logits", "probabilities"]
AXES = {2: "H, W", 3: "D, H, W"}


@dataclass(frozen=True)
class Reader:
    """How batches are read.

    Args:
        num_classes: Number of classes, background among them.
        ndim: 2 for images, 3 for volumes.
        form: What floating-point predictions are; None for logits where there are several
            channels, and an error where that would be a guess.
        target_code: Meaning of the labels of the ground truth.
        pred_code: Meaning of the labels of predictions.
        probabilities: Whether probabilities are scored too.
        names: What the two sides are called in messages.
    """

    num_classes: int
    ndim: int
    form: Form | None
    target_code: LabelCode
    pred_code: LabelCode
    probabilities: bool
    names: tuple[str, str] = ("pred", "target")

    @property
    def pred(self) -> str:
        """What predictions are called."""
        return self.names[0]

    @property
    def target(self) -> str:
        """What labels are called."""
        return self.names[1]

    def read(
        self, pred: Batch, target: Batch, probabilities: Batch | None = None
    ) -> Iterator[LabelMaps]:
        """Both label maps of each image.

        Args:
            pred: Labels (N, *S) or (N, 1, *S), one-hot (N, C, *S), or logits or probabilities
                (N, C, *S), or (N, 1, *S) and (N, *S) of the foreground; on any device.
            target: Labels (N, *S) or (N, 1, *S), or one-hot (N, C, *S), of any type.
            probabilities: (N, C, *S), or (N, 1, *S) of the foreground, where `pred` is labels.

        Yields:
            One pair per image, without spacing.

        Raises:
            ValueError: For other shapes, other numbers of images on the two sides, labels that
                are no class, and numbers that are none.
        """
        preds, targets = list(images_of(pred, self.pred)), list(images_of(target, self.target))
        maps = (
            [None] * len(preds)
            if probabilities is None
            else list(images_of(probabilities, "probabilities"))
        )
        if not len(preds) == len(targets) == len(maps):
            raise ValueError(
                f"{self.pred} holds {len(preds)} images, {self.target} {len(targets)}"
                + ("" if probabilities is None else f", probabilities {len(maps)}")
                + ": give the predictions and labels of the same batch"
            )
        for index, (one, truth, prob) in enumerate(zip(preds, targets, maps, strict=True)):
            try:
                yield self._image(one, truth, prob)
            except ValueError as error:
                raise ValueError(f"image {index} of the batch: {error}") from error

    def _image(self, pred: Tensor, target: Tensor, prob: Tensor | None) -> LabelMaps:
        labels, found = self._prediction(pred)
        truth = self._truth(target)
        if labels.shape != truth.shape:
            raise ValueError(self._other_size(labels.shape, truth.shape))
        if prob is not None:
            found = self._probabilities(prob, "probabilities")
        if self.probabilities and found is None:
            raise ValueError(
                f"columns of calibration need probabilities, and {self.pred} holds labels: give"
                f" logits or probabilities as {self.pred}, or probabilities=... beside it"
            )
        kept = numbers_of(found) if self.probabilities and found is not None else None
        return self._maps(
            labels, truth, None if kept is None else kept.astype(np.float32, copy=False)
        )

    def _maps(
        self, pred: NDArray[Any], target: NDArray[Any], prob: NDArray[np.float32] | None
    ) -> LabelMaps:
        return LabelMaps(
            decoded(self.pred_code, pred, self.pred),
            decoded(self.target_code, target, self.target),
            None,
            prob,
        )

    def _truth(self, target: Tensor) -> NDArray[Any]:
        return self._labels(target, self.target)

    def _other_size(self, pred: tuple[int, ...], target: tuple[int, ...]) -> str:
        """Sides that do not fit, and how they come to differ."""
        one, other = pred[-self.ndim :], target[-self.ndim :]
        quarter = tuple(4 * side for side in one) == other
        remedy = (
            "models of transformers such as SegFormer give logits at a quarter of the size: bring"
            " them to it by torch.nn.functional.interpolate(logits, labels.shape[-2:],"
            " mode='bilinear')"
            if quarter and self.ndim == 2
            else "resize the logits to the labels, or the labels to the logits by nearest neighbour"
        )
        return f"{self.pred} has {size_of(one)} pixels and {self.target} {size_of(other)}: {remedy}"

    def _prediction(self, pred: Tensor) -> tuple[NDArray[Any], Tensor | None]:
        """Labels and, where the prediction has them, probabilities (C, *S)."""
        labelled = not pred.is_floating_point() or self.form == "labels"
        if labelled:
            return self._labels(pred, self.pred), None
        if pred.dim() == self.ndim:
            pred = pred.unsqueeze(0)
        if pred.dim() != self.ndim + 1:
            raise ValueError(self._layout(self.pred, pred))
        self._check_form(pred)
        prob: Tensor | None = None
        if self.probabilities or self.form == "probabilities":
            prob = self._probabilities(pred, self.form or "logits")
        else:
            in_range(pred, "logits", self.pred)
        if len(pred) == 1:
            bound = 0.5 if self.form == "probabilities" else 0.0
            labels = (pred[0] > bound).to(torch.int16)
        else:
            labels = pred.argmax(dim=0).to(torch.int16)
        return numbers_of(labels), prob

    def _check_form(self, pred: Tensor) -> None:
        if len(pred) != self.num_classes and not (len(pred) == 1 and self.num_classes == 2):
            raise ValueError(
                f"{self.pred} has {len(pred)} channels, and there are {self.num_classes} classes,"
                f" background among them: set classes={len(pred)}"
                + (", or more for labels" if len(pred) == 1 else "")
                + f" ({self._layout('pred', pred)})"
            )
        if self.form is not None:
            return
        if len(pred) == 1:
            raise ValueError(
                "one channel of floating-point numbers is the foreground's logit or its"
                " probability, and only you can tell: set form='logits' or form='probabilities'"
                " (form='labels' for label maps stored as floats)"
            )
        if self.probabilities and sums_to_one(pred):
            raise ValueError(
                f"{self.pred} sums to one over the classes: set form='probabilities', or"
                " form='logits' if they are logits all the same"
            )

    def _probabilities(self, pred: Tensor, form: str) -> Tensor:
        """Probabilities of all classes, (C, *S)."""
        if pred.dim() == self.ndim:
            pred = pred.unsqueeze(0)
        if pred.dim() != self.ndim + 1 or len(pred) not in (1, self.num_classes):
            raise ValueError(self._layout(form, pred))
        pred = in_range(pred, form, self.pred)
        if form == "logits":
            pred = pred.sigmoid() if len(pred) == 1 else pred.softmax(dim=0)
        return torch.cat([1 - pred, pred]) if len(pred) == 1 else pred

    def _labels(self, labels: Tensor, name: str) -> NDArray[Any]:
        """Label map (*S) of labels (*S), (1, *S) or one-hot (C, *S)."""
        if labels.dim() == self.ndim + 1:
            if len(labels) == 1:
                labels = labels[0]
            elif len(labels) == self.num_classes:
                return self._of_one_hot(labels, name)
        if labels.dim() != self.ndim:
            raise ValueError(self._layout(name, labels))
        return whole_numbers(labels, name, self.pred)

    def _of_one_hot(self, labels: Tensor, name: str) -> NDArray[Any]:
        hot = labels != 0
        if not bool(((labels == 0) | (labels == 1)).all()) or not bool((hot.sum(0) == 1).all()):
            raise ValueError(
                f"{name} has {self.num_classes} channels, but is not one-hot: every pixel must"
                f" have a 1 in one channel and 0 in the others ({self._layout(name, labels)})"
            )
        return numbers_of(hot.to(torch.int16).argmax(dim=0))

    def _layout(self, name: str, given: Tensor) -> str:
        axes = AXES[self.ndim]
        expected = f"(N, {axes}), (N, 1, {axes}) or (N, {self.num_classes}, {axes})"
        other = 5 - self.ndim
        hint = f"; for {'volumes' if other == 3 else 'images'} set ndim={other}"
        return f"{name}: expected {expected}, got (N, {size_of(given, ', ')}){hint}"


def check_form(form: str | None) -> Form | None:
    """A form of predictions by its name.

    Args:
        form: One of :data:`Form`, or None.

    Returns:
        The same.

    Raises:
        ValueError: For another name.

    Example:
        >>> check_form("logits")
        'logits'
    """
    for known in get_args(Form):
        if form == known:
            return known  # type: ignore[no-any-return]
    if form is not None:
        raise ValueError(f"expected form to be labels, logits or probabilities, got {form!r}")
    return None
