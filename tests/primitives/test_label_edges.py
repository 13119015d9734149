from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from seglosses.primitives.label_edges import label_boundary, sobel_boundary


def test_lines_of_one_pixel_are_boundary() -> None:
    # Sobel filters, the usual way, cancel on them and on lone pixels
    labels = torch.zeros(1, 1, 5, 5)
    labels[..., 2] = 1
    assert label_boundary(labels)[0, 0].tolist() == [False, True, True, True, False]


def test_image_border_is_no_boundary() -> None:
    # a Sobel filter with zero padding marks the frame of the image
    assert not label_boundary(torch.ones(1, 1, 4, 4)).any()


def test_ignored_regions_have_no_boundary() -> None:
    labels = torch.tensor([[[[0, 0, 0, 0, 1, 1]]]])
    valid = torch.tensor([[[True, True, False, True, True, True]]])
    assert label_boundary(labels, valid)[0, 0].tolist() == [False, False, False, True, True, False]


def test_radius_and_volumes() -> None:
    labels = torch.zeros(1, 2, 7, 7, 7)
    labels[:, 1, 3, 3, 3] = 1
    assert label_boundary(labels, radius=2).sum() == 5**3
    assert label_boundary(torch.zeros(0, 1, 4, 4)).shape == (0, 4, 4)
    with pytest.raises(ValueError, match="N, K, H, W"):
        label_boundary(torch.zeros(1, 1, 4))


def test_a_pixel_to_ignore_between_two_labels_is_no_boundary() -> None:
    labels = torch.tensor([[[[0, 0, 1]]]])
    assert not label_boundary(labels, torch.tensor([[[True, False, True]]])).any()


def test_sobel_boundary_is_that_of_both_filters() -> None:
    masks = (torch.rand(200, 1, 4, 5, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    rows = torch.tensor([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])
    answers = F.conv2d(masks, torch.stack([rows, rows.T]).unsqueeze(1), padding=1)
    assert torch.equal(sobel_boundary(masks), (answers != 0).any(1))
