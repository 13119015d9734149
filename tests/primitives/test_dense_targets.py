"""Dense targets: their sums, zeros, rounding, and the class that is ignored."""

from __future__ import annotations

import pytest
import torch

from seglosses.primitives.encoding import align, one_hot


@pytest.mark.parametrize("use_sigmoid", [False, True])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_dense_targets_ignore_a_class_as_labels_do(use_sigmoid: bool, dtype: torch.dtype) -> None:
    labels = torch.tensor([[[0, 2, 1, 2]]])
    hard = align(torch.zeros(1, 3, 1, 4), labels, ignore_index=2, use_sigmoid=use_sigmoid)
    hot = one_hot(labels, 3).to(dtype)
    dense = align(torch.zeros(1, 3, 1, 4), hot, ignore_index=2, use_sigmoid=use_sigmoid)
    assert dense.valid is not None
    assert dense.valid.tolist() == [[[True, False, True, False]]]
    assert torch.equal(dense.target(), hard.target())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("use_sigmoid", [False, True])
@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf, -0.25, 255.0])
def test_dense_targets_are_checked_before_pixels_are_ignored(
    channels: int, use_sigmoid: bool, wrong: float
) -> None:
    logits = torch.zeros(1, channels, 2, 2)
    one, whole = torch.zeros_like(logits), torch.zeros_like(logits)
    one[0, 0, 1, 1] = wrong
    whole[..., 1, 1] = wrong
    for target in (one, whole):
        with pytest.raises(ValueError, match=r"must lie in \[0, 1\]; scale masks .* got values"):
            align(logits, target, use_sigmoid=use_sigmoid, ignore_index=None)


def test_only_zeros_are_ignored_in_a_dense_target() -> None:
    target = torch.tensor([[[0.0, 1e-30, 0.0, 1.0], [0.0, 0.0, 0.5, 0.0]]])
    valid = align(torch.zeros(1, 2, 4), target).valid
    assert valid is not None
    assert valid.tolist() == [[False, True, True, True]]
    unknown = torch.tensor([[[0.0, 255.0, 1.0]]])
    batch = align(torch.zeros(1, 1, 3), unknown)
    assert batch.valid is not None
    assert batch.valid.tolist() == [[True, False, True]]
    assert batch.target().tolist() == [[[0, 0, 1]]]


def test_multi_label_targets_need_sigmoid() -> None:
    target = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]])
    with pytest.raises(ValueError, match=r"sum of at most 1 .* use_sigmoid=True .* to 2"):
        align(torch.zeros(1, 2, 2), target)
    assert align(torch.zeros(1, 2, 2), target, use_sigmoid=True).dense is not None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rounded_probabilities_may_add_up_to_more_than_one(dtype: torch.dtype) -> None:
    logits = torch.randn(4, 5, 64, generator=torch.Generator().manual_seed(0))
    prob = logits.softmax(1).to(dtype)
    if dtype == torch.bfloat16:
        assert prob.float().sum(1).max() > 1.001
    for stored in (prob, prob.float(), (prob.float() * 255).round() / 255):
        assert align(logits, stored).dense is not None


@pytest.mark.parametrize("classes", [2, 150])
def test_two_labels_at_a_pixel_are_no_rounding(classes: int) -> None:
    target = torch.zeros(1, classes, 1)
    target[:, :2] = 0.8
    with pytest.raises(ValueError, match=r"sum of at most 1 .* to 1\.6"):
        align(torch.zeros(1, classes, 1), target)


@pytest.mark.parametrize("use_sigmoid", [False, True])
def test_resampled_masks_may_be_rounded_to_above_one(use_sigmoid: bool) -> None:
    # as F.interpolate(antialias=True) and blurs give
    mask = torch.tensor([[[1 + 2**-23, 0.5], [0.0, 0.5]]])
    assert mask.max() > 1
    assert align(torch.zeros(1, 2, 2), mask, use_sigmoid=use_sigmoid).dense is not None
