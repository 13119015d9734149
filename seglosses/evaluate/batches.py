"""Batches of tensors as they come from a training, turned into one pair of label maps an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.evaluate.codes import IGNORED, LabelCode, UnknownValuesError
from seglosses.evaluate.loading import LabelMaps

Form: TypeAlias = Literal["labels", "logits", "probabilities"]
Batch: TypeAlias = Tensor | NDArray[Any] | Sequence[Any]
"""A tensor or array with the images along its first axis, or a list with one for each image."""

_AXES = {2: "H, W", 3: "D, H, W"}


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
            One pair an image, without spacing.

        Raises:
            ValueError: For other shapes, other numbers of images on the two sides, labels that
                are no class, and numbers that are none.
        """
        preds, targets = list(_images(pred, self.pred)), list(_images(target, self.target))
        maps = (
            [None] * len(preds)
            if probabilities is None
            else list(_images(probabilities, "probabilities"))
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
        truth = self._labels(target, self.target)
        if labels.shape != truth.shape:
            raise ValueError(
                f"{self.pred} has {_size(labels)} pixels and {self.target} {_size(truth)}: resize"
                " the logits to the labels, or the labels to the logits by nearest neighbour"
            )
        if prob is not None:
            found = self._probabilities(prob, "probabilities")
        if self.probabilities and found is None:
            raise ValueError(
                f"columns of calibration need probabilities, and {self.pred} holds labels: give"
                f" logits or probabilities as {self.pred}, or probabilities=... beside it"
            )
        kept = _numbers(found) if self.probabilities and found is not None else None
        return LabelMaps(
            _decoded(self.pred_code, labels, self.pred),
            _decoded(self.target_code, truth, self.target),
            None,
            None if kept is None else kept.astype(np.float32, copy=False),
        )

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
        elif not bool(pred.isfinite().all()):
            raise ValueError(
                f"{self.pred} holds NaN or infinite numbers: the training has diverged"
            )
        if len(pred) == 1:
            bound = 0.5 if self.form == "probabilities" else 0.0
            labels = (pred[0] > bound).to(torch.int16)
        else:
            labels = pred.argmax(dim=0).to(torch.int16)
        return _numbers(labels), prob

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
        if self.probabilities and _sums_to_one(pred):
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
        pred = pred if pred.dtype == torch.float64 else pred.float()
        if form == "logits":
            if not bool(pred.isfinite().all()):
                raise ValueError(
                    f"{self.pred} holds NaN or infinite numbers: the training has diverged"
                )
            pred = pred.sigmoid() if len(pred) == 1 else pred.softmax(dim=0)
        elif not bool(((pred >= 0) & (pred <= 1)).all()):
            raise ValueError("probabilities lie outside of [0, 1]: set form='logits' for logits")
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
        if labels.is_floating_point() and not bool((labels == labels.round()).all()):
            raise ValueError(
                f"{name} holds numbers that are not whole, where labels are expected"
                + ("; set form='logits' or form='probabilities'" if name == self.pred else "")
            )
        numbers = _numbers(labels)
        return numbers if numbers.dtype.kind in "iu" else numbers.astype(np.int64)

    def _of_one_hot(self, labels: Tensor, name: str) -> NDArray[Any]:
        hot = labels != 0
        if not bool(((labels == 0) | (labels == 1)).all()) or not bool((hot.sum(0) == 1).all()):
            raise ValueError(
                f"{name} has {self.num_classes} channels, but is not one-hot: every pixel must"
                f" have a 1 in one channel and 0 in the others ({self._layout(name, labels)})"
            )
        return _numbers(hot.to(torch.int16).argmax(dim=0))

    def _layout(self, name: str, given: Tensor) -> str:
        axes = _AXES[self.ndim]
        expected = f"(N, {axes}), (N, 1, {axes}) or (N, {self.num_classes}, {axes})"
        other = 5 - self.ndim
        hint = f"; for {'volumes' if other == 3 else 'images'} set ndim={other}"
        return f"{name}: expected {expected}, got (N, {_size(given, ', ')}){hint}"


def _images(batch: Batch, name: str) -> Iterator[Tensor]:
    """One tensor an image."""
    if isinstance(batch, np.ndarray | Tensor):
        if not batch.ndim:
            raise ValueError(f"{name} is a number, not a batch of images")
    elif not isinstance(batch, list | tuple):
        raise ValueError(
            f"{name}: expected a tensor, an array, or a list with one for each image, got"
            f" {type(batch).__name__}"
        )
    for image in batch:
        yield _tensor(image)


def _tensor(image: Any) -> Tensor:
    if isinstance(image, Tensor):
        if type(image).__torch_dispatch__ is Tensor.__torch_dispatch__:
            # sub-classes with meta data (MONAI, torchvision) cost time in every operation
            return image.detach().as_subclass(Tensor)
        return image.detach()
    array = np.asarray(image)
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)  # which torch has operations for
    return torch.from_numpy(np.ascontiguousarray(array))


def _numbers(tensor: Tensor) -> NDArray[Any]:
    half = tensor.dtype in (torch.bfloat16, torch.float16)
    array: NDArray[Any] = (tensor.float() if half else tensor).cpu().numpy()
    return array


def _decoded(code: LabelCode, labels: NDArray[Any], name: str) -> NDArray[np.int16]:
    try:
        return code.decode(labels)
    except UnknownValuesError as error:
        count = len({index for index in code.classes.values() if index != IGNORED})
        remedy = (
            "if they are to be ignored, set ignore_index; if background has a label of its own"
            " that is left out, shift them"
            if code.side == "ground truth"
            else "nothing is ignored in predictions"
        )
        raise ValueError(
            f"{name} holds labels {', '.join(error.values[:8])}, and there are {count} classes,"
            f" 0 to {count - 1}{_ignored(code)}: {remedy}"
        ) from None


def _ignored(code: LabelCode) -> str:
    values = [str(value) for value, index in code.classes.items() if index == IGNORED]
    return f" (ignored: {', '.join(values)})" if values else ""


def _sums_to_one(pred: Tensor) -> bool:
    inside = bool(((pred >= 0) & (pred <= 1)).all())
    return inside and bool((pred.float().sum(dim=0) - 1).abs().max() < 1e-2)


def _size(pixels: Any, between: str = " x ") -> str:
    return between.join(map(str, pixels.shape))


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
