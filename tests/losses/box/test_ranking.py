"""Rank losses: the authors' numbers and updates, slow sums, memory, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import ALRPLoss, RankSortLoss, alrp_loss, rank_sort_loss
from seglosses.primitives import device


def boxes() -> tuple[Tensor, Tensor]:
    """120 scores, of which 9 are those of objects."""
    generator = torch.Generator().manual_seed(1)
    logits = 2 * torch.randn(40, 3, generator=generator, dtype=torch.float64)
    quality = torch.zeros(40, 3, dtype=torch.float64)
    rows = torch.randperm(40, generator=generator)[:9]
    fit = torch.rand(9, generator=generator, dtype=torch.float64)
    quality[rows, torch.arange(9) % 3] = 0.05 + 0.9 * fit
    return logits.requires_grad_(), quality


# kemaloksuz/RankSortLoss b41f64d, in float32: both errors, and the norm of the update
@pytest.mark.parametrize(
    ("delta", "ranking", "sorting", "norm"),
    [
        (0.5, 0.94055951, 0.13853939, 0.34217224),
        (0.0, 0.93110251, 0.11520473, 0.33700837),
        (1.0, 0.94024032, 0.13795631, 0.34086183),
    ],
)
def test_rank_sort_equals_the_program(
    delta: float, ranking: float, sorting: float, norm: float
) -> None:
    logits, quality = boxes()
    loss = rank_sort_loss(logits, quality, delta=delta).sum() / 9
    assert loss.item() == pytest.approx(ranking + sorting, rel=1e-6)
    (update,) = torch.autograd.grad(loss, logits)
    assert update.norm().item() == pytest.approx(norm, rel=1e-6)


@pytest.mark.parametrize(("delta", "norm"), [(1.0, 0.33596144), (0.25, 0.33617599)])
def test_the_update_of_alrp_equals_the_program(delta: float, norm: float) -> None:
    logits, quality = boxes()
    (update,) = torch.autograd.grad(alrp_loss(logits, quality, delta=delta).sum() / 9, logits)
    assert update.norm().item() == pytest.approx(norm, rel=1e-6)
    assert update.sum().item() == pytest.approx(0, abs=1e-9)  # what objects gain, background loses


def test_ranks_by_hand() -> None:
    # objects of quality 0.9 and 0.5 in the wrong order, far apart, and a background between them
    logits = torch.tensor([[-5.0], [5.0], [0.0]], requires_grad=True)
    quality = torch.tensor([[0.9], [0.5], [0.0]])
    loss = rank_sort_loss(logits, quality, delta=0.5)
    # below: 1 of 2.5 is background; (1/2 * 0.1 + 0.5) / 1.5 in place of 0.1
    below = 1 / 2.5 + (0.05 + 0.5) / 1.5 - 0.1
    assert loss.flatten().tolist() == pytest.approx([below, 0, 0])
    (update,) = torch.autograd.grad(loss.sum(), logits)
    worse = (0.05 + 0.5) / 1.5 - 0.1
    assert update.flatten().tolist() == pytest.approx([-0.4 - worse, worse, 0.4])


@pytest.mark.parametrize("loss", [RankSortLoss, ALRPLoss])
def test_training_ranks_objects_first(loss: type[RankSortLoss] | type[ALRPLoss]) -> None:
    logits, quality = boxes()
    scores = logits.detach().clone()
    rule = loss()
    before = rule(scores, quality, avg_factor=9).item()
    for _ in range(400):
        scores.requires_grad_()
        (update,) = torch.autograd.grad(rule(scores, quality, avg_factor=9), scores)
        scores = scores.detach() - 2 * update
    assert rule(scores, quality, avg_factor=9).item() < 0.5 * before
    objects = quality > 0
    assert scores[objects].min() > scores[~objects].max()


@pytest.mark.parametrize("function", [rank_sort_loss, alrp_loss])
def test_no_objects_and_no_background(function) -> None:
    logits = torch.tensor([[0.5], [1.0]], requires_grad=True)
    assert function(logits, torch.zeros(2, 1)).sum() == 0
    (update,) = torch.autograd.grad(function(logits, torch.zeros(2, 1)).sum(), logits)
    assert update.abs().sum() == 0
    alone = function(logits[:1], torch.ones(1, 1))
    assert alone.item() == 0


@pytest.mark.parametrize("function", [rank_sort_loss, alrp_loss])
def test_memory_is_linear(function) -> None:
    # 3000 objects above 300 000 boxes: pairs would be 3.6 GB of float32
    class Largest(torch.utils._python_dispatch.TorchDispatchMode):
        size = 0

        def __torch_dispatch__(self, call, types, args=(), kwargs=None):
            out = call(*args, **(kwargs or {}))
            if isinstance(out, Tensor):
                Largest.size = max(Largest.size, out.numel())
            return out

    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(30_000, 10, generator=generator).requires_grad_()
    quality = torch.zeros(30_000, 10)
    quality[:3000, 0] = torch.rand(3000, generator=generator).clamp(min=0.1)
    with Largest():
        function(logits, quality).sum().backward()
    assert Largest.size <= 3 * logits.numel()


@pytest.mark.parametrize("cls", [RankSortLoss, ALRPLoss])
@pytest.mark.parametrize("form", ["labels", "qualities", "dense"])
def test_rows_of_weight_zero_leave_the_order_on_every_device(cls, form, monkeypatch) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(20, 4, generator=generator)
    labels = torch.randint(0, 5, (20,), generator=generator)
    quality = torch.rand(20, generator=generator)
    hot = torch.nn.functional.one_hot(labels, 5)[:, :4] * quality[:, None]
    target = {"labels": labels, "qualities": (labels, quality), "dense": hot}[form]
    weight = (torch.rand(20, generator=generator) > 0.4).float()
    found = []
    for hosts in (device.HOSTS, frozenset()):
        monkeypatch.setattr(device, "HOSTS", hosts)
        leaf = logits.clone().requires_grad_()
        value = cls(reduction="sum")(leaf, target, weight=weight)
        value.backward()
        found.append((value.detach(), leaf.grad))
    torch.testing.assert_close(*found)
    assert (found[1][1][weight == 0] == 0).all()


def test_an_object_is_not_above_itself_where_steps_are_sharp() -> None:
    logits, quality = torch.tensor([[0.0], [1.0], [-1.0]]), torch.tensor([[0.5], [0.0], [0.25]])
    # background is above both objects, and the first is above the second
    expected = [(0.5 + 1) / 2, 0.0, (0.5 + 0.75 + 1) / 3]
    for delta in (0.0, 1e-4):
        found = alrp_loss(logits, quality, delta=delta).flatten()
        torch.testing.assert_close(found, torch.tensor(expected))
