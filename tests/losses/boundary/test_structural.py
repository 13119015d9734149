from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.losses import CrossEntropyLoss, JaccardLoss, SSIMLoss, ssim_loss
from tests.goldens.published import inputs

PROB, TARGET = (inputs("basnet")[key] for key in ("prob", "target"))


def _reference(prob: Tensor, target: Tensor, window: int = 11, sigma: float = 1.5) -> Tensor:
    """SSIM by plain convolutions and autograd, (N, C)."""
    offsets = torch.arange(window, dtype=prob.dtype) - window // 2
    taps = torch.exp(-offsets.square() / (2 * sigma**2))
    kernel = torch.outer(taps, taps)[None, None] / taps.sum() ** 2

    def mean(image: Tensor) -> Tensor:
        flat = image.reshape(-1, 1, *image.shape[2:])
        return F.conv2d(flat, kernel, padding=window // 2).reshape(image.shape)

    mu, nu = mean(prob), mean(target)
    var_p, var_y = mean(prob**2) - mu**2, mean(target**2) - nu**2
    cov = mean(prob * target) - mu * nu
    similarity = (2 * mu * nu + 1e-4) * (2 * cov + 9e-4)
    similarity = similarity / ((mu**2 + nu**2 + 1e-4) * (var_p + var_y + 9e-4))
    return 1 - similarity.mean((2, 3))


def test_hybrid_of_nothing_is_free() -> None:
    # BASNet's IoU term divides by zero for an empty label and an empty prediction
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    logits = torch.full((1, 1, 16, 16), -40.0)
    for loss in (CrossEntropyLoss(), SSIMLoss(), JaccardLoss(smooth=1e-3)):
        assert loss(logits, labels).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("window", "sigma"), [(11, 1.5), (3, 1.0), (7, 0.5)])
def test_agrees_with_plain_convolutions(window: int, sigma: float) -> None:
    generator = torch.Generator().manual_seed(1)
    prob = torch.rand(2, 3, 9, 13, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.rand(2, 3, 9, 13, generator=generator, dtype=torch.float64)
    value = ssim_loss(prob, target, window=window, sigma=sigma)
    expected = _reference(prob, target, window, sigma)
    torch.testing.assert_close(value, expected)
    factor = torch.rand(2, 3, generator=generator, dtype=torch.float64)
    ours, theirs = (torch.autograd.grad((v * factor).sum(), prob)[0] for v in (value, expected))
    torch.testing.assert_close(ours, theirs)


def test_gradient_with_weights_and_in_volumes() -> None:
    generator = torch.Generator().manual_seed(2)
    for shape in ((1, 2, 4, 5), (1, 1, 3, 4, 5), (1, 1, 1, 6, 5)):
        prob = torch.rand(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        target = (torch.rand(shape, generator=generator) > 0.5).double()
        weight = torch.rand(shape[0], 1, *shape[2:], generator=generator, dtype=torch.float64)
        weight[weight < 0.3] = 0
        assert torch.autograd.gradcheck(
            lambda p, y=target, w=weight: ssim_loss(p, y, weight=w, window=5), prob
        )


def test_window_wider_than_the_image() -> None:
    prob, target = torch.rand(1, 1, 3, 4).double(), torch.ones(1, 1, 3, 4).double()
    torch.testing.assert_close(ssim_loss(prob, target), _reference(prob, target))


def test_opposite_of_a_checkerboard_costs_more_than_one() -> None:
    board = (torch.arange(12).view(-1, 1) + torch.arange(12)).remainder(2).float()[None, None]
    assert ssim_loss(board, board).item() == pytest.approx(0.0, abs=1e-6)
    assert 1.5 < ssim_loss(1 - board, board).item() <= 2.0


def test_keeps_one_map_for_the_backward_pass() -> None:
    prob = torch.rand(2, 3, 16, 16, requires_grad=True)
    target = (torch.rand(2, 3, 16, 16) > 0.5).float()
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = ssim_loss(prob, target)
    assert sum(kept.values()) == prob.numel() * 4
    value.sum().backward()


def test_borders() -> None:
    with pytest.raises(ValueError, match="window must be odd"):
        SSIMLoss(window=10)
    with pytest.raises(ValueError, match=r"window must be.*odd"):
        ssim_loss(PROB, TARGET.float(), window=0)


def test_convolves_exactly_on_a_device_and_leaves_the_switches(
    elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TF32 leaves three digits; cuDNN's other switches stay as they are."""
    cudnn: Any = torch.backends.cudnn
    single = hasattr(cudnn, "conv")
    switch, name = (cudnn.conv, "fp32_precision") if single else (cudnn, "allow_tf32")
    exact = "ieee" if single else False
    others = ("enabled", "benchmark", "benchmark_limit", "deterministic")

    def state() -> list[object]:
        return [getattr(cudnn, other) for other in others]

    seen = []
    convolve: Any = F.conv2d

    def watched(*args: Tensor, **options: object) -> Any:
        seen.append((getattr(switch, name), state()))
        return convolve(*args, **options)

    monkeypatch.setattr(F, "conv2d", watched)
    first, known = getattr(switch, name), state()
    try:
        for before in ("tf32", "ieee") if single else (True, False):
            setattr(switch, name, before)
            ssim_loss(PROB, TARGET)
            assert getattr(switch, name) == before
    finally:
        setattr(switch, name, first)
    assert seen
    assert all(one == (exact, known) for one in seen)
