"""Cross-entropy on the branches of devices, where pixels that do not count may hold NaN."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.entropy import cross_entropy

SHAPES = [(3, 4), (2, 3, 4), (2, 5, 6, 7), (2, 3, 2, 3, 4)]


def example(shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits, labels, which pixels count, and the gradient that comes in."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(shape, generator=generator, dtype=torch.float64)
    pixels = (shape[0], *shape[2:])
    labels = torch.randint(0, shape[1], pixels, generator=generator)
    valid = torch.rand(pixels, generator=generator) > 0.3
    valid.view(-1)[:2] = torch.tensor([True, False])
    grad = torch.randn(pixels, generator=generator, dtype=torch.float64)
    return logits.requires_grad_(), labels * valid, valid, grad


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("shape", SHAPES)
def test_nan_where_nothing_counts_reaches_no_derivative(shape: tuple[int, ...]) -> None:
    logits, labels, valid, grad = example(shape)
    bad = logits.detach().masked_fill(~valid.unsqueeze(1), torch.nan).requires_grad_()
    wanted = F.cross_entropy(logits, labels, reduction="none") * valid
    found = cross_entropy(bad, labels, valid)
    torch.testing.assert_close(found, wanted)
    for order in ("first", "second"):
        if order == "first":
            pair = torch.autograd.grad(found, bad, grad, retain_graph=True)
            wanted_pair = torch.autograd.grad(wanted, logits, grad, retain_graph=True)
        else:
            (slope,) = torch.autograd.grad(found, bad, grad, create_graph=True)
            (wanted_slope,) = torch.autograd.grad(wanted, logits, grad, create_graph=True)
            pair = torch.autograd.grad(slope.square().sum(), bad)
            wanted_pair = torch.autograd.grad(wanted_slope.square().sum(), logits)
        torch.testing.assert_close(pair, wanted_pair, msg=lambda text, of=order: f"{of}: {text}")


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_derivatives_of_valid_pixels(shape: tuple[int, ...]) -> None:
    logits, labels, valid, _ = example(shape)

    def loss(x: Tensor) -> Tensor:
        return cross_entropy(x, labels, valid)

    assert torch.autograd.gradcheck(loss, logits)
    assert torch.autograd.gradgradcheck(loss, logits)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_nan_of_a_pixel_that_counts_is_seen(broken: float) -> None:
    logits, labels, valid, grad = example((2, 5, 6, 7))
    image, row, column = valid.nonzero()[0].tolist()
    with torch.no_grad():
        logits[image, 1, row, column] = broken
    found = cross_entropy(logits, labels, valid)
    assert found[image, row, column].isnan()
    assert found.isnan().sum() == 1
    (slope,) = torch.autograd.grad(found, logits, grad)
    # a GradScaler looks at gradients, so that it skips the step
    assert slope[image, :, row, column].isnan().all()
    assert slope.isnan().sum() == 5


@pytest.mark.usefixtures("elsewhere")
def test_only_the_logarithms_are_kept() -> None:
    logits, labels, valid, _ = example((2, 19, 8, 8))
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda x: (kept.append(x.nbytes), x)[1], lambda x: x
    ):
        cross_entropy(logits, labels, valid)
    assert sum(kept) <= 1.1 * logits.nbytes
