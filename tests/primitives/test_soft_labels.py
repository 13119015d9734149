"""Labels softened at boundaries: where, by how much, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.encoding import align
from seglosses.primitives.soft_labels import (
    boundary_smoothing_options,
    smooth_boundary_labels,
    soften_boundaries,
)


def test_the_published_case() -> None:
    # JDTLosses, k = 3, epsilon = 0.5, three classes: boundary pixels become 2/3, 1/6, 1/6
    labels = torch.zeros(1, 5, 6, dtype=torch.long)
    labels[0, :, 3:] = 1
    labels[0, 0, 0] = 255
    soft = smooth_boundary_labels(labels, 3)
    assert soft[0, :, 2, 2].tolist() == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert soft[0, :, 2, 1].tolist() == [1, 0, 0]
    assert soft[0, :, 0, 0].tolist() == [0, 0, 0]
    # the frame is no boundary, and what touches an ignored pixel is left as it is
    assert soft[0, :, 4, 0].tolist() == [1, 0, 0]
    assert soft[0, :, 1, 1].tolist() == [1, 0, 0]
    volume = smooth_boundary_labels(labels.unsqueeze(1), 3)
    assert torch.equal(volume.squeeze(2), soft)


def by_erosion(labels: Tensor, classes: int, epsilon: float, kernel: int) -> Tensor:
    """The published definition: a class differs from its erosion, and nothing near is ignored."""
    pool = F.max_pool2d if labels.dim() == 3 else F.max_pool3d
    hot = torch.stack([labels == c for c in range(classes)], 1).float()
    unknown = (labels == 255).unsqueeze(1).float()
    eroded, near = -pool(-hot, kernel, 1, kernel // 2), pool(unknown, kernel, 1, kernel // 2)
    boundary = (hot != eroded).any(1, keepdim=True) & (near == 0)
    return torch.where(boundary, (1 - epsilon) * hot + epsilon / classes, hot)


@pytest.mark.parametrize("shape", [(2, 9, 11), (1, 4, 7, 6), (1, 1, 1), (0, 4, 4)])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_as_by_erosion_class_by_class(shape: tuple[int, ...], kernel: int) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, shape, generator=generator)
    labels[torch.rand(shape, generator=generator) < 0.9] = 2
    labels[torch.rand(shape, generator=generator) < 0.02] = 255
    for epsilon in (0.0, 0.3, 1.0):
        soft = smooth_boundary_labels(labels, 4, epsilon=epsilon, kernel_size=kernel)
        assert soft.dtype == torch.float32
        torch.testing.assert_close(soft, by_erosion(labels, 4, epsilon, kernel))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.bool])
def test_any_integer_labels(dtype: torch.dtype) -> None:
    labels = torch.tensor([[[0, 0, 1, 1]]]).to(dtype)
    for ignore in (255, -100, None):
        soft = smooth_boundary_labels(labels, 2, ignore_index=ignore, dtype=torch.float64)
        assert soft[0, 1, 0].tolist() == [0.0, 0.25, 0.75, 1.0]


@pytest.mark.parametrize(
    ("labels", "options", "words"),
    [
        (torch.zeros(4, 4).long(), {}, r"labels must be \(N, H, W\).* got \(4, 4\)"),
        (torch.zeros(1, 4, 4), {}, "labels must be integers .* got torch.float32"),
        # such pixels became rows of zeros, which losses take for ignored
        (torch.full((1, 4, 4), 3), {}, r"labels must lie in \[0, 2\].* from 3 to 3"),
        (torch.full((1, 4, 4), -1), {}, r"ignore_index=255; got values from -1"),
        (torch.full((1, 4, 4), 255), {"ignore_index": None}, "ignore_index=None; got values"),
        (torch.zeros(1, 4, 4).long(), {"kernel_size": 4}, "odd and positive, got 4"),
        (torch.zeros(1, 4, 4).long(), {"kernel_size": 0}, "kernel_size must be a whole number"),
        (torch.zeros(1, 4, 4).long(), {"epsilon": 1.5}, r"epsilon must lie in \[0, 1\]"),
        (torch.zeros(1, 4, 4).long(), {"epsilon": -0.1}, r"epsilon must lie in \[0, 1\]"),
        (torch.zeros(1, 4, 4).long(), {"epsilon": torch.nan}, "epsilon must lie in"),
        (torch.zeros(1, 4, 4).long(), {"num_classes": 1}, "num_classes must be a whole number in"),
    ],
)
def test_border(labels: Tensor, options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        smooth_boundary_labels(labels, **{"num_classes": 3} | options)


def test_what_the_option_may_hold() -> None:
    both = {"epsilon": 0.5, "kernel_size": 5}
    assert boundary_smoothing_options(None) is None
    assert boundary_smoothing_options({"kernel_size": 5}) == both
    assert boundary_smoothing_options(both) == both
    for wrong in (True, {"eps": 0.5}, "half", 2.0, {"kernel_size": 2}, {"epsilon": None}):
        with pytest.raises(ValueError, match=r"(must be an amount|must be odd|must lie in)"):
            boundary_smoothing_options(wrong)


def test_without_the_option_nothing_is_made() -> None:
    batch = align(torch.zeros(1, 2, 3), torch.tensor([[0, 1, 255]]))
    assert soften_boundaries(batch, None) is batch
