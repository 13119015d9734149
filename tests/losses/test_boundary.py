from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import KervadecBoundaryLoss, boundary_loss
from seglosses.losses.fields import signed_fields, two_sided_fields

# mask, logits and values of LIVIAETS/boundary-loss (SurfaceLoss, one_hot2dist), run on the CPU
MASK = torch.tensor(
    [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 1],
    ]
)
LOGITS = torch.tensor(
    [
        [
            [2.041, -2.556, 0.418, -0.568, -0.453, -0.216, -2.02, -0.232],
            [-0.865, 3.323, 0.226, -0.353, -0.281, -0.668, -1.055, -0.391],
            [0.482, -0.239, 0.958, -0.2, 0.024, 1.546, 0.545, -0.505],
            [-0.183, 0.541, 1.935, -0.27, -0.244, 1.002, -0.886, -0.292],
            [0.883, 0.58, 0.092, 0.67, -2.828, 1.021, -0.96, -1.669],
            [0.276, 0.701, -0.445, -1.076, 0.026, -0.053, 1.406, 0.747],
        ],
        [
            [0.194, 1.112, -0.206, -0.926, 0.584, 0.583, -0.215, -0.783],
            [0.229, -2.494, 0.69, 0.491, -1.639, 0.061, -0.964, 0.757],
            [-2.034, -0.914, 0.71, 1.156, -2.158, -0.498, 0.328, -0.609],
            [1.591, -1.191, 0.355, -1.048, 1.406, -0.022, -0.372, -1.718],
            [1.682, 0.753, 0.754, 1.138, 0.349, -0.639, -0.8, -0.8],
            [1.37, -1.46, -0.596, -0.321, 0.225, 0.575, -1.249, -1.73],
        ],
    ]
)
PHI = [
    [2.236068, 1.4142135, 1, 1, 1, 1, 1.4142135, 2.236068],
    [2, 1, 0, 0, 0, 0, 1, 2],
    [2, 1, 0, -1, -1, 0, 1, 2],
    [2, 1, 0, 0, 0, 0, 1, 2],
    [2.236068, 1.4142135, 1, 1, 1, 1, 1.4142135, 1],
    [2.828427, 2.236068, 2, 2, 2, 2, 1, 0],
]


def _perfect(labels: Tensor, classes: int) -> Tensor:
    return 80.0 * torch.stack([(labels == c).float() for c in range(classes)], 1) - 40.0


def test_signed_fields_match_the_published_maps() -> None:
    torch.testing.assert_close(signed_fields((MASK == 1)[None, None])[0, 0], torch.tensor(PHI))


@pytest.mark.parametrize(
    ("classes", "value"), [("foreground", 0.5537703037261963), ([0, 1], 0.27682700753211975)]
)
def test_published_values(classes: str | list[int], value: float) -> None:
    loss = KervadecBoundaryLoss(classes=classes)
    torch.testing.assert_close(loss(LOGITS[None], MASK[None]), torch.tensor(value))


def test_perfect_prediction_costs_less_than_zero() -> None:
    # two pixels of depth 1 among 48
    loss = KervadecBoundaryLoss()(_perfect(MASK[None], 2), MASK[None])
    torch.testing.assert_close(loss, torch.tensor(-2 / 48))


def test_full_foreground_has_no_boundary() -> None:
    # boundary-loss (one_hot2dist) measures a full mask to a point that is not there
    labels = torch.ones(1, 5, 7, dtype=torch.long)
    logits = torch.randn(1, 2, 5, 7, generator=torch.Generator().manual_seed(0))
    assert KervadecBoundaryLoss()(logits, labels).item() == 0.0
    labels[0, 0, 0] = 255
    assert KervadecBoundaryLoss()(logits, labels).item() == 0.0


def test_absent_class_costs_nothing() -> None:
    logits = torch.cat([LOGITS, LOGITS[:1]])[None]
    two = KervadecBoundaryLoss(classes=[1])(logits, MASK[None])
    both = KervadecBoundaryLoss(classes=[1, 2])(logits, MASK[None])
    torch.testing.assert_close(both, two / 2)


def test_integer_masks_do_not_wrap() -> None:
    # in one_hot2dist a uint8 map holds 255 where -1 is meant
    uint8 = signed_fields(MASK.to(torch.uint8)[None, None] > 0)
    assert uint8.min() == -1.0
    loss = KervadecBoundaryLoss()
    same = loss(LOGITS[None], MASK[None].to(torch.uint8))
    torch.testing.assert_close(same, loss(LOGITS[None], MASK[None]))


def test_rim_is_zero_for_every_spacing() -> None:
    # one_hot2dist subtracts 1 whatever the spacing and leaves the rim at -1 or more
    phi = signed_fields((MASK == 1)[None, None], spacing=(2.0, 0.5))[0, 0]
    rim = torch.tensor(PHI) == 0
    assert torch.equal(phi[rim], torch.zeros(int(rim.sum())))
    # one row of 2 above the block; four columns of 1/2 from the pixel in the corner
    assert phi[0, 3] == 2.0
    assert phi[5, 3] == 2.0
    half = signed_fields((MASK == 1)[None, None], spacing=0.5)[0, 0]
    torch.testing.assert_close(half, torch.tensor(PHI) / 2)


def test_normalized_maps_do_not_grow_with_the_image() -> None:
    # phi = 2 1 0 -1, divided by 2: (1 * 1 + 1 * 0.5 + 0 - 0.5) / 4
    prob = torch.ones(1, 1, 4)
    phi = torch.tensor([[[2.0, 1.0, 0.0, -1.0]]])
    assert boundary_loss(prob, phi, normalize=True).item() == 0.25
    assert boundary_loss(prob, torch.zeros(1, 1, 4), normalize=True).item() == 0.0


def test_mean_is_over_kept_pixels() -> None:
    labels = torch.tensor([[[0, 0, 1, 1, 255, 255]]])
    logits = torch.zeros(1, 2, 1, 6)
    # phi = 2 1 0 0 at the kept pixels (the ignored ones lie outside), p = 1/2
    assert KervadecBoundaryLoss()(logits, labels).item() == pytest.approx(0.5 * 3 / 4)


def test_given_maps_are_used() -> None:
    loss = KervadecBoundaryLoss()
    labels = MASK[None]
    for classes in (2, 1):
        maps = signed_fields(torch.stack([labels == c for c in range(2)], 1))[:, -classes:]
        with extra_inputs(signed_distance=maps):
            given = loss(LOGITS[None], labels)
        torch.testing.assert_close(given, loss(LOGITS[None], labels))
    with extra_inputs(signed_distance=3 * maps):
        assert loss(LOGITS[None], labels).item() == pytest.approx(3 * 0.5537703, rel=1e-5)
    with (
        extra_inputs(signed_distance=torch.zeros(1, 2, 4, 4)),
        pytest.raises(ValueError, match="after the crop"),
    ):
        loss(LOGITS[None], labels)


def test_volume_of_one_slice_is_the_image() -> None:
    loss = KervadecBoundaryLoss()
    flat = loss(LOGITS[None], MASK[None])
    torch.testing.assert_close(loss(LOGITS[None, :, None], MASK[None, None]), flat)


def test_wrong_spacing_is_explained() -> None:
    with pytest.raises(ValueError, match="spacing needs 2"):
        KervadecBoundaryLoss(spacing=(1.0, 1.0, 1.0))(LOGITS[None], MASK[None])


def test_gradient_is_the_map() -> None:
    prob = torch.rand(1, 1, 4, dtype=torch.float64, requires_grad=True)
    phi = torch.tensor([[[2.0, 1.0, 0.0, -1.0]]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: boundary_loss(p, phi), prob)
    boundary_loss(prob, phi).sum().backward()
    torch.testing.assert_close(prob.grad, phi / 4)


def test_fields_of_no_images() -> None:
    empty = torch.zeros(0, 2, 3, 3, dtype=torch.bool)
    assert signed_fields(empty).shape == two_sided_fields(empty).shape == (0, 2, 3, 3)


def test_fields_are_those_of_each_image() -> None:
    masks = torch.from_numpy(np.random.default_rng(0).random((2, 2, 5, 6)) > 0.5)
    together = two_sided_fields(masks)
    assert torch.equal(together[1:, 1:], two_sided_fields(masks[1:, 1:]))
    assert together.dtype == torch.float32
