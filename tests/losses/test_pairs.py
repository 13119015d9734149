"""One formula, one home: a registered class and the function that it names say the same."""

from __future__ import annotations

import re

import pytest
import torch

from seglosses import losses
from seglosses.catalogue import loss_classes
from tests.reference.odd_options import odd_options
from tests.reference.pair_inputs import parameters
from tests.reference.pairs import ALONE, PAIRS, of_class, of_function


def test_every_class_has_a_pair_or_a_reason() -> None:
    assert set(PAIRS) | set(ALONE) == set(loss_classes())
    assert not set(PAIRS) & set(ALONE)


def test_every_function_of_a_loss_has_a_class() -> None:
    functions = {name for name in losses.EXPORTS if re.fullmatch(r"[a-z0-9_]+_loss", name)}
    # that of MALIS by distances is an option of the class
    assert functions - set(PAIRS.values()) == {"malis_distance_loss"}


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_defaults_agree(name: str) -> None:
    cls = loss_classes()[name]
    modifiers = {
        "AlphaIoULoss": {"alpha": 3.0},
        "InnerIoULoss": {"inner_ratio": 0.7},
        "FocalerIoULoss": {"interval": (0.0, 0.95), "mode": "linear"},
    }.get(name, {})
    value, expected = of_class(cls, {}), of_function(name, modifiers)
    torch.testing.assert_close(value, expected)
    assert value.shape == expected.shape
    assert value.abs().sum() > 0, "nothing was compared"


@pytest.mark.parametrize("name", [n for n in sorted(PAIRS) if odd_options(n)])
def test_odd_options_agree(name: str) -> None:
    cls, odd = loss_classes()[name], odd_options(name)
    fixed = {"mode": "linear"} if name == "FocalerIoULoss" else {}
    value = of_class(cls, odd)
    torch.testing.assert_close(value, of_function(name, odd | fixed))
    assert not torch.equal(value, of_class(cls, {})), f"{odd} change nothing"


def test_malis_by_distances_agrees() -> None:
    options = {"distance": 5.0, "margin": 1, "window": 9, "fit": 0.1, "positive": 0.3}
    value = of_class(losses.MalisLoss, options)
    torch.testing.assert_close(value, of_function("MalisLoss", options))
    assert not torch.equal(value, of_class(losses.MalisLoss, options | {"fit": 0.2}))


COUNTED = [n for n in sorted(PAIRS) if "intersection" in parameters(getattr(losses, PAIRS[n]))]


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("intersection", ["product", "difference", "norm2"])
def test_soft_intersections_agree(name: str, intersection: str) -> None:
    options = {"intersection": intersection}
    torch.testing.assert_close(of_class(loss_classes()[name], options), of_function(name, options))
