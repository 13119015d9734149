"""Logits that are infinite or NaN: refused, or a finite loss with a finite gradient."""

from __future__ import annotations

import pytest
import torch

from seglosses.catalogue import loss_classes
from seglosses.laws.stand_ins import UNDEFINED, StandIn
from seglosses.losses.base import SegmentationLoss
from seglosses.losses.classwise import MapLoss, OverlapLoss
from seglosses.losses.loss import Loss
from tests.devices.cases import case

LOSSES = {n: c for n, c in loss_classes().items() if issubclass(c, SegmentationLoss)}
WRONG = {"inf": torch.inf, "-inf": -torch.inf, "nan": torch.nan}


@pytest.mark.at_hand
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", LOSSES)
def test_no_gradient_is_nan_in_silence(name: str, wrong: str) -> None:
    for setting, channels, sigmoid in (
        ("3 classes", 3, False),
        ("1 channel", 1, True),
        ("multi-label", 3, True),
    ):
        if setting in UNDEFINED.get(name, ()):
            continue
        loss = LOSSES[name](use_sigmoid=sigmoid)
        call = StandIn(loss) if StandIn(loss).is_needed else loss
        for place in ((0, -1, 3, 4), (0, 0, 0, 8), (1,)):
            logits = torch.randn(2, channels, 12, 10, generator=torch.Generator().manual_seed(0))
            labels = torch.zeros(2, 12, 10, dtype=torch.long)
            labels[:, 2:6, 2:7] = 1
            if channels > 1:
                labels[:, 8:11, 1:4] = 2
            logits[place] = WRONG[wrong]
            leaf = logits.requires_grad_()
            try:
                value = call(leaf, labels)
            except ValueError:
                with pytest.raises(ValueError, match=r"NaN or infinite|got nan"):
                    call(leaf, labels)
                continue
            assert torch.isfinite(value)
            (slope,) = torch.autograd.grad(value, leaf)
            assert torch.isfinite(slope).all(), (setting, place)


@pytest.mark.at_hand
@pytest.mark.parametrize("sigmoid", [False, True])
@pytest.mark.parametrize("name", [n for n, c in LOSSES.items() if issubclass(c, MapLoss)])
def test_an_absent_class_may_be_masked(name: str, sigmoid: bool) -> None:
    """Some pixels, or all, cannot be of a class that the label does not have anyway."""
    if sigmoid and "multi-label" in UNDEFINED.get(name, ()):
        pytest.skip("not defined there")
    loss = LOSSES[name](use_sigmoid=sigmoid)
    call = StandIn(loss) if StandIn(loss).is_needed else loss
    labels = torch.zeros(2, 12, 10, dtype=torch.long)
    labels[:, 2:6, 2:7] = 1
    logits = torch.randn(2, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    for place in ((0, 2, 3, 4), (0, 2), (slice(None), 2)):
        leaf = logits.clone()
        leaf[place] = -torch.inf
        leaf.requires_grad_()
        try:
            value = call(leaf, labels)
        except ValueError:
            with pytest.raises(ValueError, match="NaN or infinite"):
                call(leaf, labels)
            continue
        (slope,) = torch.autograd.grad(value, leaf)
        assert torch.isfinite(slope).all(), place
        if loss.reads_margins and loss.classes == "present_foreground" and not loss.needs:
            low = logits.clone()
            low[place] = -60
            torch.testing.assert_close(value, call(low, labels))


@pytest.mark.at_hand
@pytest.mark.parametrize("average", ["image", "micro", "dataset", "class"])
@pytest.mark.parametrize("name", [n for n, c in LOSSES.items() if issubclass(c, OverlapLoss)])
def test_nan_in_a_channel_that_the_label_lacks_is_refused(name: str, average: str) -> None:
    loss = LOSSES[name](classes="present", average=average, use_sigmoid=True)
    labels = torch.zeros(2, 12, 10, dtype=torch.long)
    labels[:, 2:6, 2:7] = 1
    logits = torch.randn(2, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    logits[1, 2, 4, 4] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        StandIn(loss)(logits, labels)


@pytest.mark.parametrize("name", ["TopographLoss", "MalisLoss", "PairwiseAffinityLoss"])
def test_ignored_pixels_may_hold_anything(name: str) -> None:
    loss = LOSSES[name]()
    call = StandIn(loss)
    logits = torch.randn(1, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(1, 12, 10, dtype=torch.long)
    labels[:, 2:6, 2:7], labels[:, 0] = 1, 255
    expected = loss(logits, labels) if not loss.needs else call(logits, labels)
    logits[:, 1, 0] = torch.inf
    torch.testing.assert_close(call(logits, labels), expected)


#: looks at pixels of boundaries alone
_LOCAL = {"BoundaryCrossEntropyLoss"}


@pytest.mark.at_hand
@pytest.mark.parametrize("name", [n for n in LOSSES if not LOSSES[n].needs and n not in _LOCAL])
@pytest.mark.parametrize("channels", [1, 2])
def test_one_nan_among_sure_pixels_is_refused(name: str, channels: int) -> None:
    if {1: "1 channel", 2: "3 classes"}[channels] in UNDEFINED.get(name, ()):
        pytest.skip("not defined there")
    loss = StandIn(LOSSES[name]()) if StandIn(LOSSES[name]()).is_needed else LOSSES[name]()
    if 2 not in getattr(LOSSES[name], "spatial_dims", (2,)):
        pytest.skip("of volumes")
    labels = torch.zeros(2, 16, 16, dtype=torch.long)
    labels[:, 2:9, 2:7] = 1
    logits = torch.randn(2, channels, 16, 16, generator=torch.Generator().manual_seed(0))
    logits[0, 0, 3, 3] = torch.nan
    with pytest.raises(ValueError, match=r"NaN or infinite|got nan"):
        loss(logits, labels)


@pytest.mark.at_hand
@pytest.mark.parametrize("channels", [1, 2, 3, 9])
def test_a_weight_of_zero_hides_no_nan_from_cross_entropy(channels: int) -> None:
    logits, labels = torch.zeros(1, channels, 4, 5), torch.zeros(1, 4, 5, dtype=torch.long)
    logits[0, 0, 3, 4] = torch.nan
    weight = torch.ones(1, 4, 5)
    weight[0, 3, 4] = 0
    with pytest.raises(ValueError, match="NaN or infinite"):
        LOSSES["CrossEntropyLoss"](use_sigmoid=channels == 1)(logits, labels, weight=weight)


@pytest.mark.at_hand
@pytest.mark.parametrize(("name", "cls"), loss_classes().items())
def test_nan_of_half_precision_is_left_to_the_scaler(name: str, cls: type[Loss]) -> None:
    """`GradScaler` skips a step whose gradients are not finite; a ValueError would end the run."""
    made = case(cls)
    assert made is not None
    with torch.no_grad():
        half = made.tensors["pred"].half()
        half.view(-1)[-5] = torch.nan
    made.tensors["pred"] = half.requires_grad_()
    made.value().sum().backward()
