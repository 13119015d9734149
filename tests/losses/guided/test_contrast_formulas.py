"""Contrast of chosen pixels, against the programs of the authors and by loops."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from seglosses.losses import (
    centre_contrast_loss,
    info_nce_loss,
    pixel_contrast_loss,
)

WAVE = torch.arange(60.0).view(12, 5)
QUERY, OTHER = torch.sin(1.7 * WAVE), torch.cos(0.9 * WAVE)
TARGET = torch.arange(12) % 3


@pytest.mark.parametrize(
    ("denominator", "published"),
    [
        # PixelContrastLoss._contrastive (loss_contrast.py) of tfzhou/ContrastiveSeg at 287e5d3
        ("pair", 0.31287625),
        # SupConLoss(0.1, base_temperature=0.1) of HobbitLong/SupContrast at 66a8fe5
        ("all", 1.96268940),
    ],
)
def test_numbers_of_the_authors(denominator: Any, published: float) -> None:
    found = pixel_contrast_loss(QUERY, TARGET, denominator=denominator)
    assert found.mean().item() == pytest.approx(published, rel=1e-5)


def test_decoupled_number_of_its_authors() -> None:
    # DCL(0.1) of raminnakhli/Decoupled-Contrastive-Learning at 0b9b76d
    found = [
        info_nce_loss(
            QUERY[i : i + 1],
            OTHER[i : i + 1],
            torch.cat([QUERY[TARGET.new_tensor([j for j in range(12) if j != i])], OTHER[:i],
                       OTHER[i + 1 :]]),
            decoupled=True,
        )
        for i in range(12)
    ]  # fmt: skip
    assert torch.cat(found).mean().item() == pytest.approx(9.32838821, rel=1e-5)
    # the other queries' positives alone
    unpaired = info_nce_loss(QUERY, OTHER, decoupled=True)
    again = [
        info_nce_loss(
            QUERY[i : i + 1], OTHER[i : i + 1], OTHER[torch.arange(12) != i], decoupled=True
        )
        for i in range(12)
    ]
    torch.testing.assert_close(unpaired, torch.cat(again))


def test_centres_of_proca() -> None:
    # PrototypeContrastiveLoss(TAU=0.1) of jiangzhengkai/ProCA at 572e4f3, one label ignored
    target = TARGET.clone()
    target[4] = -1
    found = centre_contrast_loss(QUERY, target, OTHER[:3])
    assert found[4] == 0
    assert found.sum().item() / 11 == pytest.approx(3.72255611, rel=1e-5)


@pytest.mark.parametrize("denominator", ["pair", "all", "negatives"])
def test_three_denominators_by_loops(denominator: Any) -> None:
    unit = F.normalize(torch.cat([QUERY, OTHER]), dim=1)
    bank_target = torch.tensor([0, 0, 1, 1, -1, 2, 2, 0, 1, -1, 0, 2])
    classes = torch.cat([TARGET, bank_target])
    found = pixel_contrast_loss(
        QUERY, TARGET, OTHER, bank_target, temperature=0.5, denominator=denominator
    )
    for i in range(12):
        similar = [math.exp(float(unit[i] @ unit[j]) / 0.5) for j in range(24)]
        same = [j for j in range(24) if j != i and classes[j] == classes[i]]
        rest = sum(similar[j] for j in range(24) if classes[j] not in (classes[i], -1))
        total = 0.0
        for j in same:
            below = {"pair": similar[j], "all": sum(similar[k] for k in same), "negatives": 0.0}
            total -= math.log(similar[j] / (below[denominator] + rest))
        assert found[i].item() == pytest.approx(total / len(same), rel=1e-4)
