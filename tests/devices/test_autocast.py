"""Losses inside autocast are those outside, and so are their gradients."""

from __future__ import annotations

import copy

import pytest
import torch

from seglosses.catalogue import loss_classes
from tests.devices.cases import case

#: Products of matrices that PyTorch differentiates: it rounds theirs to half precision there.
PYTORCHS = {
    "CentreContrastLoss",
    "CrossImageDistillationLoss",
    "InfoNCELoss",
    "KernelCalibrationLoss",
    "MixtureContrastLoss",
    "PixelContrastLoss",
}
NAMES = [name for name, cls in loss_classes().items() if case(cls, "weighted") is not None]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_backward_inside_of_autocast(place: str, name: str, request: pytest.FixtureRequest) -> None:
    """PyTorch asks to leave autocast before the backward pass, and many loops do not."""
    if place == "elsewhere":
        request.getfixturevalue("elsewhere")
    made = case(loss_classes()[name], "weighted")
    assert made is not None
    other = copy.deepcopy(made)
    made, other = (each._replace(tensors=each.fresh()) for each in (made, other))
    torch.manual_seed(0)
    outside = made.gradients()
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = other.gradients()
    assert inside.keys() == outside.keys()
    for key, gradient in outside.items():
        share = 0.02 if name in PYTORCHS else 1e-5
        close = share * gradient.abs().max().item() + 1e-8
        torch.testing.assert_close(inside[key], gradient, rtol=1e-4, atol=close)
