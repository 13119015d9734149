from __future__ import annotations

import pytest
import torch
from torch import nn

from seglosses.attributions import gradient_length, gradient_times_input


def test_a_linear_network_by_hand() -> None:
    # logits 2 x_1 - 3 x_2 and 5 x_2 at each pixel alone
    weight = torch.tensor([[2.0, -3.0], [0.0, 5.0]])
    x = torch.tensor([[[1.0, 2.0, 4.0], [1.0, 0.0, 1.0]]], requires_grad=True)
    logits = torch.einsum("ck,nks->ncs", weight, x)
    where = torch.tensor([[[1.0, 0.5, 0.0], [1.0, 1.0, 1.0]]])
    contributions = gradient_times_input(logits, x, where)
    assert contributions.tolist() == [[[-1.0, 2.0, 0.0], [5.0, 0.0, 5.0]]]
    lengths = gradient_length(logits, x, where)
    root = 13**0.5
    torch.testing.assert_close(
        lengths.detach(), torch.tensor([[[root, root / 2, 0.0], [5.0, 5.0, 5.0]]])
    )


def test_neighbours_contribute() -> None:
    # a difference filter: the logit of pixel 1 is x_2 - x_0
    x = torch.tensor([[[1.0, 4.0, 9.0]]], requires_grad=True)
    logits = nn.functional.conv1d(x, torch.tensor([[[-1.0, 0.0, 1.0]]]), padding=1)
    found = gradient_times_input(logits, x, torch.tensor([[[0.0, 1.0, 0.0]]]))
    assert found.tolist() == [[[-1.0, 0.0, 9.0]]]


@pytest.mark.parametrize("attribute", [gradient_times_input, gradient_length])
def test_parameters_get_the_gradient(attribute) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 2, 5, generator=generator, dtype=torch.float64)
    where = torch.rand(2, 3, 5, generator=generator, dtype=torch.float64)

    def maps(first, second):
        base = x.clone().requires_grad_()
        hidden = nn.functional.conv1d(base, first, padding=1).tanh()
        return attribute(nn.functional.conv1d(hidden, second), base, where)

    first = torch.randn(4, 2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    second = torch.randn(3, 4, 1, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(maps, (first, second))


def test_a_class_that_is_nowhere_costs_nothing() -> None:
    x = torch.ones(1, 1, 2, requires_grad=True)
    passes = []
    logits = torch.cat([x, 2 * x], 1)
    logits.register_hook(lambda gradient: passes.append(gradient))
    found = gradient_times_input(logits, x, torch.tensor([[[0.0, 0.0], [1.0, 1.0]]]))
    assert found.tolist() == [[[0.0, 0.0], [2.0, 2.0]]]
    assert len(passes) == 1


def test_outputs_that_do_not_count_may_be_anything() -> None:
    x = torch.tensor([[[1.0, 2.0]]], requires_grad=True)
    logits = x * torch.tensor([[[3.0, float("nan")]]])
    found = gradient_times_input(logits, x, torch.tensor([[[1.0, 0.0]]]))
    assert found[0, 0, 0].item() == 3.0


def test_half_precision_becomes_float32() -> None:
    x = torch.ones(1, 1, 2, dtype=torch.bfloat16, requires_grad=True)
    where = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    for attribute in (gradient_times_input, gradient_length):
        assert attribute(torch.cat([3 * x, x], 1), x, where).dtype == torch.float32


def test_borders() -> None:
    x, where = torch.ones(1, 1, 2, requires_grad=True), torch.ones(1, 1, 2)
    with pytest.raises(ValueError, match="requires_grad=True and False: call requires_grad_"):
        gradient_length(2 * x, x.detach(), where)
    with torch.no_grad(), pytest.raises(ValueError, match="with gradients enabled"):
        gradient_length(2 * x, x, where)
    with pytest.raises(ValueError, match="do not depend on: name the tensor"):
        gradient_length(2 * x, x.clone(), where)
    with pytest.raises(ValueError, match="tokens have no places"):
        gradient_length(2 * x, torch.ones(1, 1, 2, 2, requires_grad=True), where)
