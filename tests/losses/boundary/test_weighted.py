from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    KervadecBoundaryLoss,
    RegionWiseLoss,
    boundary_loss,
    rectified_region_map,
    region_wise_loss,
)
from seglosses.losses.fields import signed_fields, two_sided_fields
from seglosses.primitives.distance import signed_label_distances
from tests.goldens.published import inputs

MASK = inputs("boundary")["mask"].long()
LOGITS = inputs("boundary")["logits"][0]
#: Distance to the block, less one inside.
PHI = inputs("boundary")["dist"][1]


def _perfect(labels: Tensor, classes: int) -> Tensor:
    return 80.0 * torch.stack([(labels == c).float() for c in range(classes)], 1) - 40.0


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
    rim = PHI == 0
    assert torch.equal(phi[rim], torch.zeros(int(rim.sum())))
    # one row of 2 above the block; four columns of 1/2 from the pixel in the corner
    assert phi[0, 3] == 2.0
    assert phi[5, 3] == 2.0
    half = signed_fields((MASK == 1)[None, None], spacing=0.5)[0, 0]
    torch.testing.assert_close(half, PHI / 2)


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


def _labels_and_maps(label: int, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """One class, below ignored rows, and the maps that the data loader makes of it."""
    labels = torch.full((2, *shape), label)
    labels[0, :2] = 255
    labels[1, 0] = (label + 1) % 3  # the second image shows the class's boundary
    maps = [torch.from_numpy(signed_label_distances(image, 3)) for image in labels.numpy()]
    return labels, torch.stack(maps)


@pytest.mark.parametrize("shape", [(6, 6), (4, 5, 6)])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_given_maps_of_a_class_that_fills_the_kept_pixels_cost_nothing(label, shape) -> None:
    loss = KervadecBoundaryLoss(classes="all")
    labels, maps = _labels_and_maps(label, shape)
    assert maps[0, label].any(), "the ignored rows lie outside, so that there is a distance"
    logits = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(label))
    with extra_inputs(signed_distance=maps[:1]):
        assert loss(logits[:1], labels[:1]).item() == 0.0
        # a pixel that weighs nothing is no boundary either
        shown = labels[:1].masked_fill(labels[:1] == 255, (label + 1) % 3)
        weight = (labels[:1] != 255).float()
        assert loss(logits[:1], shown, weight=weight).item() == 0.0
    with extra_inputs(signed_distance=maps):
        given = loss(logits, labels)
    torch.testing.assert_close(given, loss(logits, labels))
    assert given.item() != 0.0


def test_a_given_map_of_an_absent_class_costs_nothing() -> None:
    labels = torch.zeros(1, 4, 4, dtype=torch.long)
    with extra_inputs(signed_distance=torch.ones(1, 2, 4, 4)):
        assert KervadecBoundaryLoss()(torch.zeros(1, 2, 4, 4), labels).item() == 0.0


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


def _cross_image() -> tuple[Tensor, Tensor]:
    labels = torch.zeros(1, 5, 5, dtype=torch.long)
    labels[0, 1:4, 1:4] = 1
    return 20.0 * torch.stack([labels == 0, labels == 1], 1) - 10.0, labels


def test_region_map_of_a_square() -> None:
    _, labels = _cross_image()
    z = rectified_region_map(torch.stack([labels == 0, labels == 1], 1))
    assert torch.equal(z[0, 1, 2], torch.tensor([1.0, -0.5, -1.0, -0.5, 1.0]))
    # the background is deepest in the corners: sqrt 2 from the square
    torch.testing.assert_close(z[0, 0, 0], -torch.tensor([2.0, 1, 1, 1, 2]).div(2).pow(0.5))


def test_region_wise_loss_of_a_perfect_prediction() -> None:
    logits, labels = _cross_image()
    # foreground: 8 rim pixels -1/2 and the centre -1; background: 4 corners -1 and 12 others
    expected = (-(8 / 2 + 1) - (4 + 12 / 2**0.5)) / 25 / 2
    assert RegionWiseLoss()(logits, labels).item() == pytest.approx(expected, abs=1e-6)


def test_region_wise_loss_of_topomortar() -> None:
    # TopoMortar lib/losses.py RegionWise on a 3-pixel line with a gap and an island, logits +-4
    labels = torch.zeros(1, 24, 24, dtype=torch.long)
    labels[0, 10:13] = 1
    foreground = labels.clone()
    foreground[0, 10:13, 11] = 0
    foreground[0, 3:5, 3:5] = 1
    pred = 8.0 * torch.stack([1 - foreground, foreground], 1) - 4.0
    assert RegionWiseLoss()(pred, labels).item() == pytest.approx(-0.2607171, abs=1e-6)


def test_region_map_of_constant_masks() -> None:
    # TopoMortar measures a full background to a point that is not in the image (-0.1701 for its
    # golden); all of it is equally deep, so the map is -1 there, and 1 for the empty class
    masks = torch.stack([torch.ones(4, 4), torch.zeros(4, 4)])[None] > 0
    z = rectified_region_map(masks)
    assert torch.equal(z[0, 0], torch.full((4, 4), -1.0))
    assert torch.equal(z[0, 1], torch.full((4, 4), 1.0))
    batch = torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)
    assert RegionWiseLoss(classes="all")(*batch).item() == 0.0
    # the class that the label has, alone
    assert RegionWiseLoss()(*batch).item() == -0.5


def test_region_maps_of_overlapping_masks() -> None:
    masks = torch.tensor([[[1, 1, 0, 0], [1, 1, 1, 0]]]).bool()
    z = rectified_region_map(masks)
    assert torch.equal(z[0, 0], torch.tensor([-1.0, -0.5, 1.0, 1.0]))
    torch.testing.assert_close(z[0, 1], torch.tensor([-1.0, -2 / 3, -1 / 3, 1.0]))


def test_region_wise_gradient_is_the_map() -> None:
    prob = torch.rand(1, 1, 4, dtype=torch.float64, requires_grad=True)
    z = torch.tensor([[[1.0, 1.0, -0.5, -1.0]]], dtype=torch.float64)
    region_wise_loss(prob, z).sum().backward()
    torch.testing.assert_close(prob.grad, z / 4)


def test_fields_of_no_images() -> None:
    empty = torch.zeros(0, 2, 3, 3, dtype=torch.bool)
    assert signed_fields(empty).shape == two_sided_fields(empty).shape == (0, 2, 3, 3)


def test_fields_are_those_of_each_image() -> None:
    masks = torch.from_numpy(np.random.default_rng(0).random((2, 2, 5, 6)) > 0.5)
    together = two_sided_fields(masks)
    assert torch.equal(together[1:, 1:], two_sided_fields(masks[1:, 1:]))
    assert together.dtype == torch.float32


def test_maps_are_normalized_by_the_farthest_pixel_of_either_side() -> None:
    phi = torch.tensor([[[-4.0, 2.0]]])
    assert boundary_loss(torch.ones(1, 1, 2), phi, normalize=True).tolist() == [[-0.25]]
