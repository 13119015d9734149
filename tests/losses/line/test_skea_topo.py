"""The skeleton-aware loss against its authors' program, and where that has no number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from seglosses.losses import SkeletonAwareLoss, skeleton_aware_loss

# clovermini/Skea_topo, its maps and WeightMapBortLoss in float64 on walls(seed): the method
# 'skeaw', 'skeaw_dilate_iter2' and 'skeaw_dilate_step20_iter2_bort' after step 20
PUBLISHED = {
    0: (0.2482685309, 0.5953108792, 0.7927531221),
    1: (0.3739940669, 0.8718765972, 1.0951346335),
    2: (0.3841555698, 0.7288555233, 0.9558270199),
    3: (0.3311243670, 0.5802737541, 0.8263846211),
}


def walls(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Walls between seven cells, and margins that are wrong in blobs, (1, 1, 36, 44) both."""
    rng, (height, width) = np.random.default_rng(seed), (36, 44)
    y, x = np.mgrid[:height, :width]
    points = rng.random((7, 2)) * [height, width]
    away = np.sort(np.hypot(y[..., None] - points[:, 0], x[..., None] - points[:, 1]), -1)
    label = torch.from_numpy(away[..., 1] - away[..., 0] < 2.2).double().view(1, 1, height, width)
    noise = torch.from_numpy(rng.standard_normal((1, 1, height, width)))
    return 3 * label - 1.5 + 8 * torch.nn.functional.avg_pool2d(noise, 5, 1, 2), label


@pytest.mark.parametrize("seed", PUBLISHED)
def test_numbers_of_the_authors_program(seed: int) -> None:
    margin, label = walls(seed)
    found = (
        skeleton_aware_loss(margin, label, repair=0.0, dilation=0),
        skeleton_aware_loss(margin, label, repair=0.0),
        skeleton_aware_loss(margin, label),
    )
    for value, published in zip(found, PUBLISHED[seed], strict=True):
        assert value.item() == pytest.approx(published, abs=1e-7)


def test_two_channels_are_one_margin() -> None:
    margin, label = walls(0)
    logits = torch.cat([-margin / 2, margin / 2], 1)
    value = SkeletonAwareLoss()(logits, label[:, 0].long())
    assert value.item() == pytest.approx(PUBLISHED[0][2], abs=1e-6)


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_one_class_alone_weighs_one(fill: float) -> None:
    label = torch.full((1, 1, 5, 6), fill, dtype=torch.float64)
    value = skeleton_aware_loss(torch.zeros_like(label), label)
    assert value.item() == pytest.approx(np.log(2) + 0.5)


@pytest.mark.parametrize("apart", [3, 15, 60, 200])
def test_second_objects_are_found_however_far(apart: int) -> None:
    from scipy.ndimage import distance_transform_edt

    from seglosses.losses.line.skea_topo import _border_map
    from seglosses.topology.overlaps import label_boxes

    border = np.ones((40, 230), bool)
    border[5:8, 5:9] = border[30, 3] = border[20, 9 + apart] = False
    labels, boxes = label_boxes(~border, connectivity=4)
    away = np.sort([distance_transform_edt(labels != i + 1) for i in range(len(boxes))], 0)[:2]
    most = 2 * away[0][border].max()
    expected = np.where(border, np.maximum(1 + (most - away.sum(0)) / most, 0), 1)
    np.testing.assert_allclose(_border_map(border, labels, boxes), expected, rtol=1e-12)


def test_one_object_has_no_second() -> None:
    # the authors' program ends in an IndexError here
    label = torch.zeros(1, 1, 5, 8, dtype=torch.float64)
    label[..., 6:] = 1
    assert skeleton_aware_loss(torch.zeros_like(label), label).isfinite().all()


def test_tolerated_errors_are_rewarded_as_published() -> None:
    label = torch.zeros(1, 1, 12, 30, dtype=torch.float64)
    label[:, :, 4:9] = 1
    rim = label.clone()
    rim[:, :, 4] = 0
    costs = []
    for sure in (3.0, 6.0):
        margin = torch.where(rim > 0, 20.0, -20.0)
        margin[:, :, 4] = -sure
        costs.append(
            (
                skeleton_aware_loss(margin, label, boost=0.0, dilation=0)
                - skeleton_aware_loss(margin, label, boost=0.0, dilation=0, repair=0.0)
            ).item()
        )
    assert costs[1] < costs[0]


def test_volumes_are_refused() -> None:
    with pytest.raises(ValueError, match="2D maps"):
        SkeletonAwareLoss()(torch.zeros(1, 1, 3, 4, 5), torch.zeros(1, 3, 4, 5, dtype=torch.long))


def test_gradcheck() -> None:
    margin, label = walls(1)
    margin = margin[..., 10:20, 10:22].clone().requires_grad_()
    assert gradcheck(lambda z: skeleton_aware_loss(z, label[..., 10:20, 10:22]), margin)
