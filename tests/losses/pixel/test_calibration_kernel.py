"""The calibration error by a kernel as a loss: the metric, edges, sampling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta
from torch import Tensor

from seglosses.losses import (
    calibration_kernel,
    kernel_calibration_loss,
)
from seglosses.metrics.detection_calibration import kernel_ece


def _draw(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    score = 0.02 + 0.96 * torch.rand(n, generator=generator, dtype=torch.float64)
    return score, torch.rand(n, generator=generator, dtype=torch.float64)


def test_equals_densities_written_out() -> None:
    score, target = _draw(9)
    expected = []
    for i, s in enumerate(score.tolist()):
        others = [j for j in range(9) if j != i]
        density = [beta.pdf(s, score[j] / 0.2 + 1, (1 - score[j]) / 0.2 + 1) for j in others]
        expected.append(abs(np.average(target[others], weights=density) - s))
    loss = kernel_calibration_loss(score, target, bandwidth=0.2)
    torch.testing.assert_close(loss, torch.tensor(expected, dtype=torch.float64))


unit = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]))


@given(
    st.lists(st.tuples(unit, unit), min_size=2, max_size=12),
    st.sampled_from([0.01, 0.05, 0.5]),
)
def test_agrees_with_the_metric(pairs: list[tuple[float, float]], bandwidth: float) -> None:
    score, target = (
        torch.tensor(values, dtype=torch.float64) for values in zip(*pairs, strict=True)
    )
    expected = kernel_ece(score.numpy(), target.numpy(), bandwidth=bandwidth)
    loss = kernel_calibration_loss(score, target, bandwidth=bandwidth)
    assert loss.mean().item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("bandwidth", [0.01, 0.05, 0.5])
def test_gradcheck(bandwidth: float) -> None:
    score, target = (x.requires_grad_() for x in _draw(7))
    weight = torch.tensor([1.0, 2.0, 0.0, 1.0, 0.5, 3.0, 1.0])
    for w in (None, weight):
        torch.autograd.gradcheck(
            lambda s, t, w=w: kernel_calibration_loss(s, t, bandwidth=bandwidth, weight=w),
            (score, target),
        )


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    score, target = (x.requires_grad_() for x in _draw(23))
    slope = torch.linspace(-1, 1, 23, dtype=torch.float64)
    results = []
    for pairs in (2**18, 50, 1):  # all rows at once, two, one
        monkeypatch.setattr(calibration_kernel, "_PAIRS", pairs)
        loss = kernel_calibration_loss(score, target)
        results.append((loss, *torch.autograd.grad(loss @ slope, (score, target))))
    for other in results[1:]:
        torch.testing.assert_close(other, results[0])


def test_memory_grows_with_the_scores_alone() -> None:
    kept = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel()
        return tensor

    score = torch.rand(500, generator=torch.Generator().manual_seed(0)).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        kernel_calibration_loss(score, torch.ones(500))
    assert kept < 25 * 500


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5])
@pytest.mark.parametrize("right", [0.0, 1.0])
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_edges_are_finite(value: float, right: float, n: int) -> None:
    # the published code takes the logarithm of the targets, whose gradient is NaN where all are 0
    score = torch.full((n,), value, requires_grad=True)
    loss = kernel_calibration_loss(score, torch.full((n,), right))
    loss.sum().backward()
    expected = abs(value - right) if n > 1 else 0.0
    torch.testing.assert_close(loss, torch.full((n,), expected))
    direct = float(np.sign(value - right)) if n > 1 else 0.0
    torch.testing.assert_close(score.grad, torch.full((n,), direct), atol=1e-5, rtol=0)


def test_no_hit_costs_the_mean_score() -> None:
    score = _draw(40)[0].requires_grad_()
    loss = kernel_calibration_loss(score, torch.zeros(40)).mean()
    loss.backward()
    assert loss.item() == pytest.approx(score.mean().item())
    torch.testing.assert_close(score.grad, torch.full((40,), 1 / 40, dtype=score.dtype))


def test_scores_at_both_ends_are_told_apart() -> None:
    score = torch.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = kernel_calibration_loss(score, torch.tensor([0.0, 1.0, 0.0, 1.0]))
    loss.sum().backward()
    torch.testing.assert_close(loss, torch.zeros(4), atol=1e-3, rtol=0)
    assert torch.isfinite(score.grad).all()


def test_weights_count_in_the_estimate() -> None:
    score, target = _draw(6)
    weight = torch.tensor([1.0, 0.0, 2.0, 1.0, 1.0, 0.0])
    loss = kernel_calibration_loss(score, target, weight=weight)
    kept = weight > 0
    without = kernel_calibration_loss(score[kept], target[kept], weight=weight[kept])
    torch.testing.assert_close(loss[kept], without)
    # of equal scores, one that counts three times: (3 * 1 + 1 * 0) / 4
    equal = kernel_calibration_loss(
        torch.full((3,), 0.5), torch.tensor([0.0, 1.0, 0.0]), weight=torch.tensor([1.0, 3.0, 1.0])
    )
    torch.testing.assert_close(equal, torch.tensor([0.25, 0.5, 0.25]))
    # one that counts alone has no other, and those that do not count have it
    alone = kernel_calibration_loss(
        torch.full((3,), 0.5), torch.tensor([0.0, 1.0, 0.0]), weight=torch.tensor([0.0, 1.0, 0.0])
    )
    torch.testing.assert_close(alone, torch.tensor([0.5, 0.0, 0.5]))


def test_half_precision_and_autocast_compute_in_float32() -> None:
    score, target = (x.float() for x in _draw(300))
    half = score.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = kernel_calibration_loss(half, target)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, kernel_calibration_loss(half.float(), target))
