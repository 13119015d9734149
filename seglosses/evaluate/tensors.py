"""Tensors and arrays of a batch: one per image, checked, and as numbers of NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.evaluate.codes import IGNORED, LabelCode, UnknownValuesError
from seglosses.primitives.unpacking import how_to_unpack

Batch: TypeAlias = Tensor | NDArray[Any] | Sequence[Any]
"""A tensor or array with the images along its first axis, or a list with one for each image."""


def images_of(batch: Batch, name: str) -> Iterator[Tensor]:
    """One tensor per image, on the device where it lies.

    Args:
        batch: A tensor or array with the images along its first axis, or a list of them.
        name: What it is called in messages.

    Yields:
        Plain tensors without a graph.

    Raises:
        ValueError: For anything else, saying how tensors are taken out of it.

    Example:
        >>> [len(image) for image in images_of([torch.zeros(2, 3), np.zeros((1, 3))], "pred")]
        [2, 1]
    """
    if isinstance(batch, np.ndarray | Tensor):
        if not batch.ndim:
            raise ValueError(f"{name} is a number, not a batch of images")
    elif remedy := how_to_unpack(batch, name):
        raise ValueError(remedy)
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


def numbers_of(tensor: Tensor) -> NDArray[Any]:
    """A tensor as an array, of float32 where NumPy lacks its type.

    Args:
        tensor: On any device.

    Returns:
        An array of its shape.

    Example:
        >>> numbers_of(torch.tensor([0.5], dtype=torch.bfloat16))
        array([0.5], dtype=float32)
    """
    half = tensor.dtype in (torch.bfloat16, torch.float16)
    array: NDArray[Any] = (tensor.float() if half else tensor).cpu().numpy()
    return array


def whole_numbers(labels: Tensor, name: str, pred: str) -> NDArray[Any]:
    """Labels as integers.

    Args:
        labels: Of any type.
        name: What they are called in messages.
        pred: What predictions are called.

    Returns:
        An array of integers.

    Raises:
        ValueError: For numbers that are not whole.

    Example:
        >>> whole_numbers(torch.tensor([0.0, 2.0]), "target", "pred")
        array([0, 2])
    """
    if labels.is_floating_point() and not bool((labels == labels.round()).all()):
        raise ValueError(
            f"{name} holds numbers that are not whole, where labels are expected"
            + ("; set form='logits' or form='probabilities'" if name == pred else "")
        )
    numbers = numbers_of(labels)
    return numbers if numbers.dtype.kind in "iu" else numbers.astype(np.int64)


def in_range(pred: Tensor, form: str, name: str) -> Tensor:
    """Logits that are finite, or probabilities between 0 and 1, in float32 or float64.

    Args:
        pred: Floating-point numbers.
        form: ``'logits'`` or ``'probabilities'``.
        name: What they are called in messages.

    Returns:
        The same.

    Raises:
        ValueError: For others.

    Example:
        >>> in_range(torch.tensor([1.5]), "probabilities", "pred")
        Traceback (most recent call last):
        ValueError: probabilities lie outside of [0, 1]: set form='logits' for logits
    """
    pred = pred if pred.dtype == torch.float64 else pred.float()
    if form == "logits":
        if not bool(pred.isfinite().all()):
            raise ValueError(f"{name} holds NaN or infinite numbers: the training has diverged")
    elif not bool(((pred >= 0) & (pred <= 1)).all()):
        raise ValueError("probabilities lie outside of [0, 1]: set form='logits' for logits")
    return pred


def decoded(code: LabelCode, labels: NDArray[Any], name: str) -> NDArray[np.int16]:
    """Class indices of labels, in words of a batch where one has no meaning.

    Args:
        code: What labels mean.
        labels: Integers.
        name: What they are called in messages.

    Returns:
        Indices of the same shape.

    Raises:
        ValueError: For labels that are no class.

    Example:
        >>> decoded(LabelCode({0: 0, 1: 1}, ""), np.array([7]), "target")
        Traceback (most recent call last):
        ValueError: target holds labels 7, and there are 2 classes, 0 to 1: if they are to be
        ignored, set ignore_index; if background has a label of its own that is left out, shift them
    """
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


def sums_to_one(pred: Tensor) -> bool:
    """Whether numbers look like probabilities of classes that exclude each other.

    Args:
        pred: (C, *S).

    Returns:
        Yes or no.

    Example:
        >>> sums_to_one(torch.tensor([[0.25], [0.75]]))
        True
    """
    inside = bool(((pred >= 0) & (pred <= 1)).all())
    return inside and bool((pred.float().sum(dim=0) - 1).abs().max() < 1e-2)


def size_of(given: Any, between: str = " x ") -> str:
    """A shape in words.

    Args:
        given: A tensor, an array, or its shape.
        between: What stands between sides.

    Returns:
        Such as ``'4 x 5'``.

    Example:
        >>> size_of(np.zeros((4, 5)))
        '4 x 5'
    """
    return between.join(map(str, getattr(given, "shape", given)))
