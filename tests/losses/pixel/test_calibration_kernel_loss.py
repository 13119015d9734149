"""The class of the calibration error by a kernel: classes, weights, rows, sampling, borders."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    KernelCalibrationLoss,
    kernel_calibration_loss,
)
from seglosses.metrics.detection_calibration import kernel_ece
from seglosses.primitives.sampling import spread_places


def _image(*shape: int, channels: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape[0], channels, *shape[1:], generator=generator)
    return logits, torch.randint(0, max(channels, 2), shape, generator=generator)


def _confidence(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    score, guess = logits.softmax(1).max(1)
    return score.flatten(), (guess == labels).flatten().to(score.dtype)


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
