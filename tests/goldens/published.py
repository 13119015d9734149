"""Numbers that published codes gave on a CPU, as they came, and how ours are held against them.

``published/*.json`` holds values, ``*_grads`` what autograd gave for their sum, ``*.npz`` inputs.
A module here has one row for every key of its files, so that none is passed over: a call of ours
that gives the number, or a :class:`Slip`. Where a package has a defect, or a formula, a port or a
stand-in was run in its place, the row says so.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "published"


class Slip(NamedTuple):
    """A published number that is wrong: what we give, the right number, and why."""

    ours: Callable[..., Tensor]
    right: Any
    why: str


@functools.cache
def values(name: str) -> dict[str, Any]:
    """Every key of a file of numbers; those that start with '_' are inputs."""
    return json.loads((FOLDER / f"{name}.json").read_text())


@functools.cache
def inputs(name: str) -> dict[str, Tensor]:
    """Every array of a file of inputs, or of gradients by their key."""
    with np.load(FOLDER / f"{name}.npz") as stored:
        return {key.replace("|", "/"): torch.from_numpy(stored[key]) for key in stored.files}


def numbers(name: str) -> set[str]:
    """The keys of a file that are results."""
    return {key for key in values(name) if not key.startswith("_")}


def is_near(value: Tensor, published: Any, **tolerances: float) -> None:
    """Assert that ours, in its own type, is the published number or list."""
    expected = torch.as_tensor(published, dtype=value.dtype)
    torch.testing.assert_close(value.detach(), expected, **tolerances)


def kinks_apart(
    function: Callable[[Tensor], Tensor],
    at: Tensor,
    ours: Tensor,
    published: Tensor,
    tolerance: float = 1e-5,
) -> None:
    """Assert that two gradients agree wherever the value has one slope.

    Where they differ, or the published one is NaN, the slopes to the left and to the right must
    differ too, and ours lie between them; or both must be ours.
    """
    wrong = ~torch.isclose(ours, published, atol=tolerance, rtol=1e-4)
    for index in wrong.nonzero().tolist():
        left, right = (_slope(function, at, index, step) for step in (-1e-6, 1e-6))
        here = float(ours[tuple(index)])
        low, high = sorted((left, right))
        smooth = high - low < 1e-3
        assert low - 1e-3 <= here <= high + 1e-3, f"{index}: {here} not in [{low}, {high}]"
        assert not smooth or published[tuple(index)].isnan(), f"{index}: {here}, one slope, {left}"


def _slope(
    function: Callable[[Tensor], Tensor], at: Tensor, index: Iterable[int], step: float
) -> float:
    moved = at.double().clone()
    before = function(moved).sum()
    moved[tuple(index)] += step
    return float((function(moved).sum() - before) / step)
