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
    KernelCalibrationLoss,
    calibration_kernel,
    kernel_calibration_loss,
)
from seglosses.metrics.detection_calibration import kernel_ece
from seglosses.primitives.sampling import spread_places


def _draw(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    score = 0.02 + 0.96 * torch.rand(n, generator=generator, dtype=torch.float64)
    return score, torch.rand(n, generator=generator, dtype=torch.float64)


def _image(*shape: int, channels: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape[0], channels, *shape[1:], generator=generator)
    return logits, torch.randint(0, max(channels, 2), shape, generator=generator)


def _confidence(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    score, guess = logits.softmax(1).max(1)
    return score.flatten(), (guess == labels).flatten().to(score.dtype)


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


def test_class_asks_about_the_predicted_class() -> None:
    logits, labels = _image(2, 5, 7)
    expected = kernel_calibration_loss(*_confidence(logits, labels), bandwidth=0.1)
    loss = KernelCalibrationLoss(bandwidth=0.1)(logits, labels)
    torch.testing.assert_close(loss, expected.mean())
    # alone, each image is compared with itself only
    each = KernelCalibrationLoss(bandwidth=0.1, average="image", reduction="none")(logits, labels)
    for i, value in enumerate(each):
        confidence = _confidence(logits[i : i + 1], labels[i : i + 1])
        torch.testing.assert_close(
            value, kernel_calibration_loss(*confidence, bandwidth=0.1).mean()
        )
    # a dense target says how right the predicted class is
    soft = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(1)).softmax(1)
    score, guess = logits.softmax(1).max(1)
    right = soft.gather(1, guess.unsqueeze(1)).flatten()
    expected = kernel_calibration_loss(score.flatten(), right)
    torch.testing.assert_close(KernelCalibrationLoss()(logits, soft), expected.mean())


def test_channels_are_problems_of_yes_or_no() -> None:
    logits, labels = _image(1, 4, 6)
    yes = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    p = logits.sigmoid()
    expected = [
        kernel_calibration_loss(
            torch.maximum(p[:, c], 1 - p[:, c]).flatten(),
            ((p[:, c] > 0.5) == yes[:, c].bool()).float().flatten(),
        ).mean()
        for c in range(3)
    ]
    loss = KernelCalibrationLoss(use_sigmoid=True)
    torch.testing.assert_close(loss(logits, labels), torch.stack(expected).mean())
    torch.testing.assert_close(loss(logits, yes), torch.stack(expected).mean())
    weighed = KernelCalibrationLoss(use_sigmoid=True, class_weight=[2.0, 0.0, 1.0])
    expected = (2 * expected[0] + expected[2]) / 3
    torch.testing.assert_close(weighed(logits, labels), expected)


def test_weights_of_pixels_images_and_classes() -> None:
    logits, labels = _image(2, 4, 5)
    score, right = _confidence(logits, labels)
    loss = KernelCalibrationLoss()
    weight = torch.rand(2, 4, 5, generator=torch.Generator().manual_seed(1))
    flat = weight.flatten()
    expected = flat @ kernel_calibration_loss(score, right, weight=flat) / flat.sum()
    torch.testing.assert_close(loss(logits, labels, weight=weight), expected)
    # without weight is as good as ignored
    weight = (torch.rand(2, 4, 5, generator=torch.Generator().manual_seed(2)) > 0.5).float()
    ignored = labels.masked_fill(weight == 0, 255)
    torch.testing.assert_close(loss(logits, labels, weight=weight), loss(logits, ignored))
    # with 'dataset' the weight of an image is one of its pixels, with 'image' it scales its loss
    rows = torch.tensor([0.0, 2.0])
    torch.testing.assert_close(loss(logits, labels, weight=rows), loss(logits[1:], labels[1:]))
    alone = KernelCalibrationLoss(average="image")
    torch.testing.assert_close(
        alone(logits, labels, weight=rows, avg_factor=4.0), alone(logits[1:], labels[1:]) / 2
    )
    # a class scales the loss of its pixels, and is not normalised
    factor = torch.tensor([1.0, 0.0, 3.0])
    expected = kernel_calibration_loss(score, right) * factor[labels.flatten()]
    weighed = KernelCalibrationLoss(class_weight=factor.tolist())
    torch.testing.assert_close(weighed(logits, labels), expected.mean())


def test_rows_of_a_head_are_compared_with_each_other() -> None:
    logits, labels = _image(20)
    expected = kernel_calibration_loss(*_confidence(logits, labels)).mean()
    torch.testing.assert_close(KernelCalibrationLoss()(logits, labels), expected)
    assert KernelCalibrationLoss(average="image")(logits, labels).item() == 0


@pytest.mark.parametrize("average", ["dataset", "image"])
def test_nothing_to_compare_is_a_zero_with_a_graph(average: str) -> None:
    loss = KernelCalibrationLoss(average=average)
    for shape in ((0, 4, 4), (2, 4, 4)):
        logits = torch.randn(shape[0], 3, *shape[1:], requires_grad=True)
        value = loss(logits, torch.full(shape, 255))
        value.backward()
        assert value.item() == 0
        assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_images_without_a_pixel_do_not_count() -> None:
    logits, labels = _image(2, 4, 5)
    labels[0] = 255
    loss = KernelCalibrationLoss(average="image")
    torch.testing.assert_close(loss(logits, labels), loss(logits[1:], labels[1:]))


def test_sample_is_evenly_spaced_and_the_same_each_time() -> None:
    logits, labels = _image(1, 20, 20)
    labels[:, :4] = 255
    logits.requires_grad_()
    loss = KernelCalibrationLoss(samples=32)
    value = loss(logits, labels)
    value.backward()
    # 320 pixels count, the middles of 32 parts of ten are 5, 15, ... behind the ignored 80
    touched = (logits.grad != 0).any(1).flatten().nonzero().flatten()
    assert touched.tolist() == list(range(85, 400, 10))
    assert torch.equal(value, loss(logits, labels))
    sampled = _confidence(logits.flatten(2)[..., touched], labels.flatten(1)[:, touched])
    torch.testing.assert_close(value, kernel_calibration_loss(*sampled).mean())


def test_default_sample_stands_in_no_columns() -> None:
    for side, samples, least in (
        (500, 2003, 500),
        (500, 2000, 4),
        (512, 2048, 4),
        (512, 2003, 512),
    ):
        everywhere = torch.ones(1, side * side, dtype=torch.bool)
        columns = spread_places(everywhere, samples, middles=True)[0].flatten() % side
        assert len(columns.unique()) == least
    assert KernelCalibrationLoss().samples == 2003


def test_descent_calms_overconfident_logits() -> None:
    # every pixel is right in 70 % of all cases where its logits claim 98 %
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (4, 12, 12), generator=generator)
    claimed = torch.where(torch.rand(labels.shape, generator=generator) < 0.7, labels, 1 - labels)
    sure = 4.0 + 0.2 * torch.randn(labels.shape, generator=generator)
    logits = torch.stack([sure * (claimed == 0), sure * (claimed == 1)], 1).requires_grad_()
    loss = KernelCalibrationLoss()

    def error() -> float:
        score, right = _confidence(logits.detach(), labels)
        return kernel_ece(score.numpy(), right.numpy())

    before, wrong = error(), (logits.argmax(1) != labels).sum()
    optimizer = torch.optim.Adam([logits], lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        loss(logits, labels).backward()
        optimizer.step()
    assert before > 0.25
    assert error() < 0.1
    assert (logits.argmax(1) != labels).sum() == wrong


@pytest.mark.at_hand
def test_border() -> None:
    score = torch.tensor([0.5, 0.25])
    with pytest.raises(ValueError, match=r"expected scores \(n,\) and a target for each"):
        kernel_calibration_loss(score, torch.ones(3))
    with pytest.raises(ValueError, match=r"expected scores \(n,\) and a target for each"):
        kernel_calibration_loss(score.view(1, 2), torch.ones(1, 2))
    with pytest.raises(ValueError, match="a weight for each"):
        kernel_calibration_loss(score, torch.ones(2), weight=torch.ones(1))
    with pytest.raises(ValueError, match="bandwidth must lie in"):
        kernel_calibration_loss(score, torch.ones(2), bandwidth=0.0)
    for bad in (2.0, float("nan")):
        with pytest.raises(ValueError, match=r"scores must be in \[0, 1\]"):
            kernel_calibration_loss(torch.tensor([0.5, bad]), torch.ones(2))
    with pytest.raises(ValueError, match="bandwidth must lie in"):
        KernelCalibrationLoss(bandwidth=-1.0)
    with pytest.raises(ValueError, match=r"samples must be a whole number in \[2"):
        KernelCalibrationLoss(samples=1)
    with pytest.raises(ValueError, match="average must be 'image' or 'dataset'"):
        KernelCalibrationLoss(average="class")
    with pytest.raises(ValueError, match="asks about the predicted class"):
        KernelCalibrationLoss(classes="present")
    with pytest.raises(ValueError, match="avg_factor needs a loss per image"):
        KernelCalibrationLoss()(*_image(1, 2, 2), avg_factor=2.0)
