"""MS-SSIM against torchmetrics and MONAI, and its edges."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import MultiScaleSSIMLoss, multi_scale_ssim_loss, ssim_loss


def pair(*size: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A label of blobs, and a prediction of some of them."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(*(1, 1, *(n // 8 for n in size)), generator=generator)
    mode = {2: "bilinear", 3: "trilinear"}[len(size)]
    target = (torch.nn.functional.interpolate(coarse, size, mode=mode) > 0.5).double()
    noise = torch.rand(target.shape, generator=generator, dtype=torch.float64)
    return 0.6 * target + 0.4 * noise, target


@pytest.mark.parametrize("size", [(176, 192), (200, 181)])
def test_equals_torchmetrics_but_for_its_rim(size: tuple[int, int]) -> None:
    images = pytest.importorskip("torchmetrics.functional.image")
    prob, target = pair(*size)
    theirs = images.multiscale_structural_similarity_index_measure(
        prob, target, data_range=1.0, kernel_size=11, sigma=1.5, normalize="relu"
    )
    found = 1 - multi_scale_ssim_loss(prob, target)
    assert found.item() == pytest.approx(theirs.item(), rel=1e-3)
    # at the coarsest scale it alone also takes windows of the image reflected at its rim
    small = [torch.nn.functional.avg_pool2d(each, 16) for each in (prob, target)]
    if any(side % 16 for side in size):
        small = [prob, target]
        for _ in range(4):
            small = [torch.nn.functional.avg_pool2d(each, 2) for each in small]
    mean, every = images.structural_similarity_index_measure(
        *small, data_range=1.0, return_full_image=True
    )
    expected = theirs * (every[..., 5:-5, 5:-5].mean() / mean) ** 0.1333
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("size", [(64, 80), (24, 28, 32)])
def test_equals_monai(size: tuple[int, ...]) -> None:
    regression = pytest.importorskip("monai.metrics.regression")
    scales = (0.3, 0.5, 0.2) if len(size) == 2 else (0.4, 0.6)
    prob, target = pair(*size)
    metric = regression.MultiScaleSSIMMetric(
        len(size), data_range=1.0, kernel_size=9, kernel_sigma=1.5, weights=scales
    )
    expected = metric(prob.float(), target.float()).item()
    found = multi_scale_ssim_loss(prob, target, window=9, scales=scales)
    assert 1 - found.item() == pytest.approx(expected, rel=1e-4)


def test_number_of_pytorch_msssim() -> None:
    # ms_ssim(x, y, data_range=1) of VainF/Pytorch-MSSSIM at b057b07; sides even at all scales
    prob, target = waves()
    assert 1 - multi_scale_ssim_loss(prob, target).item() == pytest.approx(0.58355284, rel=1e-5)


def waves() -> tuple[Tensor, Tensor]:
    grid = torch.arange(176.0)
    wave = torch.sin(0.11 * grid[:, None]) * torch.cos(0.07 * grid)
    return (0.5 + 0.4 * torch.sin(3 * wave))[None, None], (wave > 0.2).float()[None, None]


def test_one_scale_is_ssim_of_windows_in_the_image() -> None:
    prob, target = pair(24, 16)
    inner = torch.zeros(1, 1, 24, 16, dtype=torch.float64)
    inner[..., 5:-5, 5:-5] = 1
    expected = ssim_loss(prob, target, weight=inner)
    torch.testing.assert_close(multi_scale_ssim_loss(prob, target, scales=(1.0,)), expected)
    found = multi_scale_ssim_loss(prob, target, scales=(0.7,))
    torch.testing.assert_close(found, 1 - (1 - expected) ** 0.7)
    # 16 / 2 is less than a window: of five scales one is left
    found = multi_scale_ssim_loss(prob, target)
    torch.testing.assert_close(found, 1 - (1 - expected) ** 1.0001)


def test_coarse_scales_forgive_a_shift_less_than_a_missing_half() -> None:
    labels = torch.zeros(1, 64, 64)
    labels[:, 16:48, 16:48] = 1
    target = labels[None].double()
    shifted, half = target.roll(1, 3), target.clone()
    half[..., 32:] = 0
    found = [multi_scale_ssim_loss(p, target).item() for p in (target, shifted, half)]
    assert found[0] == pytest.approx(0, abs=1e-9)
    assert found[1] < 0.5 * found[2]


@pytest.mark.parametrize("size", [(14, 12), (1, 12, 13), (8, 7, 6)])
def test_gradients(size: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    target = (torch.rand(1, 2, *size, generator=generator) > 0.5).double()
    prob = 0.7 * target + 0.3 * torch.rand(target.shape, generator=generator, dtype=torch.float64)
    weight = (torch.rand(1, 1, *size, generator=generator) > 0.2).double()
    for given in (None, weight):
        assert torch.autograd.gradcheck(
            lambda p, w=given: multi_scale_ssim_loss(
                p, target, weight=w, window=3, scales=(0.2, 0.8)
            ),
            (prob.clone().requires_grad_(),),
        )


def test_the_opposite_costs_one_and_has_a_finite_gradient() -> None:
    board = (torch.arange(24).view(-1, 1) + torch.arange(24)).remainder(2).double()[None, None]
    prob = (1 - board).requires_grad_()
    value = multi_scale_ssim_loss(prob, board)
    assert value.item() == 1
    (slope,) = torch.autograd.grad(value.sum(), prob)
    assert torch.isfinite(slope).all()


def test_what_lies_at_the_rim_alone_still_counts() -> None:
    labels = torch.full((1, 24, 24), 255)
    labels[0, 0] = 1
    loss = MultiScaleSSIMLoss()
    wrong, right = (loss(torch.full((1, 1, 24, 24), z), labels) for z in (-9.0, 9.0))
    assert right < 0.01
    assert wrong > 0.1


def test_scales_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"scales\[1\] must lie in \(0, inf\)"):
        MultiScaleSSIMLoss(scales=(0.5, 0.0))
    for scales in ((), (0.5, -1.0)):
        with pytest.raises(ValueError, match="one positive exponent per scale"):
            multi_scale_ssim_loss(torch.rand(1, 1, 4, 4), torch.ones(1, 1, 4, 4), scales=scales)
