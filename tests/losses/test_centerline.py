"""Centre-line losses: by hand, against published numbers, repair of breaks, memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from seglosses.losses import SoftClDiceLoss, soft_cldice_loss
from tests.losses.topology_cases import break_island24, case


# jocpae/clDice's soft_cldice on the foreground channel, 10 iterations, smooth 1, one image
@pytest.mark.parametrize(
    ("name", "published"),
    [("empty_target16", 0.9135741592), ("perfect32", 0.0), ("break_island24", 0.1006384492)],
)
def test_published_cldice(name: str, published: float) -> None:
    logits, label = case(name)
    assert SoftClDiceLoss()(logits, label).item() == pytest.approx(published, abs=1e-6)


def test_cldice_is_a_mean_of_images_where_the_published_one_pools_the_batch() -> None:
    logits, label = case("bricks32")
    each = [SoftClDiceLoss()(logits[i : i + 1], label[i : i + 1]) for i in range(2)]
    loss = SoftClDiceLoss()(logits, label)
    torch.testing.assert_close(loss, sum(each) / 2)
    # the published value of the pooled batch, 0.047944, lies between those of its images
    assert min(each) < 0.047944 < max(each)


def test_cldice_by_hand() -> None:
    """A line of 9 with 2 pixels missing, and a spur of 1: P = 7 / 8, R = 7 / 9."""
    line = torch.zeros(1, 1, 5, 9)
    line[..., 2, :] = 1
    seen = line.clone()
    seen[..., 2, 4:6] = 0
    seen[..., 0, 0] = 1
    expected = 1 - 2 * (7 / 8) * (7 / 9) / (7 / 8 + 7 / 9)
    assert soft_cldice_loss(seen, line, smooth=0).item() == pytest.approx(expected)
    smooth = 1 - 2 * (8 / 9) * (8 / 10) / (8 / 9 + 8 / 10)
    assert soft_cldice_loss(seen, line, smooth=1).item() == pytest.approx(smooth)


def test_cldice_of_nothing_in_common_is_one_and_of_nothing_at_all_zero() -> None:
    a, b = torch.zeros(2, 1, 4, 6), torch.zeros(2, 1, 4, 6)
    a[0, 0, 0], b[0, 0, 2] = 1, 1
    assert soft_cldice_loss(a, b, smooth=0).tolist() == [[1.0], [0.0]]


def test_cldice_weights_pixels() -> None:
    line = torch.zeros(1, 1, 3, 4)
    line[..., 1, :] = 1
    seen = line.clone()
    seen[..., 1, 3] = 0
    weight = torch.ones_like(line)
    weight[..., 3] = 3
    # sensitivity 3 of 3 + 3
    expected = 1 - 2 * (3 / 6) / (1 + 3 / 6)
    assert soft_cldice_loss(seen, line, smooth=0, weight=weight).item() == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 4)])
def test_cldice_gradcheck(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    size = torch.Size(shape).numel()
    prob = torch.stack([torch.randperm(size, generator=generator) for _ in range(2)]).double() + 1
    prob = (prob / (size + 2)).view(1, 2, *shape).requires_grad_()
    target = torch.rand(1, 2, *shape, generator=generator, dtype=torch.float64)
    for truth in (target, (target > 0.5).double()):
        assert gradcheck(lambda p, t=truth: soft_cldice_loss(p, t, iterations=2), prob)


def kept_bytes(loss: torch.nn.Module, logits: Tensor, target: Tensor) -> int:
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = loss(logits, target)
    assert result.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("iterations", [1, 40])
@pytest.mark.parametrize(("channels", "soft"), [(1, False), (1, True), (2, True), (6, True)])
def test_cldice_keeps_at_most_three_times_the_logits(
    channels: int, soft: bool, iterations: int
) -> None:
    logits = torch.randn(2, channels, 32, 32, requires_grad=True)
    label = torch.randint(0, max(channels, 2), (2, 32, 32))
    target = torch.rand(2, channels, 32, 32) if soft else label
    loss = SoftClDiceLoss(iterations, use_sigmoid=channels == 1)
    kept = kept_bytes(loss, logits, target) / (logits.numel() * logits.element_size())
    assert kept <= 3.01


def test_cldice_repairs_a_break_and_removes_an_island() -> None:
    logits, label = break_island24()
    logits = (logits / 4).requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.2)
    for _ in range(60):
        optimiser.zero_grad()
        SoftClDiceLoss(3)(logits, label).backward()
        optimiser.step()
    seen = logits.argmax(1)[0]
    assert seen[11, 11] == 1
    assert seen[3:5, 3:5].sum() == 0
