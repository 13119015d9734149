"""Images without a pixel, as a crop outside of its image gives them, cost nothing."""

from __future__ import annotations

import pytest
import torch

from seglosses.catalogue import loss_classes
from seglosses.laws.stand_ins import StandIn
from seglosses.losses.base import SegmentationLoss
from seglosses.losses.classwise import MapLoss

LOSSES = [cls for cls in loss_classes().values() if issubclass(cls, SegmentationLoss)]


@pytest.mark.parametrize("cls", LOSSES, ids=lambda cls: cls.__name__)
def test_they_give_zero_with_a_graph(cls: type[SegmentationLoss]) -> None:
    dims = cls.spatial_dims if issubclass(cls, MapLoss) else (2,)
    for side in ((0, 8), (8, 0), (0, 0)):
        shape = side if 2 in dims else (4, *side)
        pred = torch.zeros(2, 3, *shape, requires_grad=True)
        loss = StandIn(cls()) if cls.needs else cls()
        value = loss(pred, torch.zeros(2, *shape, dtype=torch.long))
        assert value.item() == 0
        value.backward()
        assert pred.grad is not None
