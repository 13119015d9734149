"""Losses of CPU tensors, where PyTorch makes new tensors on another device by default."""

from __future__ import annotations

import copy

import pytest
import torch

from seglosses.catalogue import loss_classes
from tests.devices.cases import case, every_case

CASES = [
    pytest.param(*each, marks=() if each[1] == "plain" else pytest.mark.slow)
    for each in every_case()
]


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_new_tensors_lie_with_the_given_ones(name: str, variant: str) -> None:
    """``meta`` has no numbers, so that nothing of it can be mixed in."""
    made = case(loss_classes()[name], variant)
    assert made is not None
    other = copy.deepcopy(made)
    made, other = (each._replace(tensors=each.fresh()) for each in (made, other))
    # both draw the same numbers where a loss draws
    torch.manual_seed(0)
    try:
        value, gradients = made.value(), made.gradients()
    except ValueError:
        pytest.skip("no input of this loss")
    torch.manual_seed(0)
    with torch.device("meta"):
        torch.testing.assert_close(other.value(), value)
        found = other.gradients()
    assert found.keys() == gradients.keys()
    for key, gradient in gradients.items():
        torch.testing.assert_close(found[key], gradient)
