"""No loss takes weights of pixels, or a choice of classes, and does as if they were not there."""

from __future__ import annotations

import copy
import inspect

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import seglosses.losses as exported
from seglosses.extra_inputs import KNOWN, extra_inputs
from seglosses.laws.stand_ins import StandIn
from seglosses.losses import TopologicalPriorLoss, TopoLoss, WarpingLoss
from seglosses.losses.base import PixelLoss, SegmentationLoss
from seglosses.losses.classes import ClassLoss
from seglosses.losses.classwise import MapLoss

LOSSES = [
    member
    for member in (getattr(exported, name) for name in exported.__all__)
    if inspect.isclass(member) and issubclass(member, SegmentationLoss)
]
WHOLE = {
    "ActiveBoundaryLoss",
    "ClassRatioKLLoss",
    "KernelCalibrationLoss",
    "UnifiedFocalLoss",
}


def broken_lines(cls: type[SegmentationLoss]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Lines and blocks of two classes, predicted with gaps, islands and noise."""
    flat = not issubclass(cls, MapLoss) or 2 in cls.spatial_dims
    spatial = (24, 28) if flat else (3, 24, 28)
    generator = torch.Generator().manual_seed(1)
    labels = torch.zeros(2, *spatial, dtype=torch.long)
    labels[..., 6], labels[..., 20] = 1, 2
    labels[..., 3:9, 10:16], labels[..., 14:20, 10:16] = 2, 1
    labels[1] = labels[1].flip(-1)
    seen = labels.clone()
    seen[..., 9:12, :] = 0
    seen[..., 20:23, 2:5] = 1
    noise = torch.randn(2, 3, *spatial, generator=generator)
    pred = noise + 3 * F.one_hot(seen, 3).movedim(-1, 1)
    pred[:, 1, ..., :3, 25:] += 20  # certain, and far from what it should be
    colours = 50.0 * F.one_hot(labels, 3).movedim(-1, 1)
    inputs = {name: torch.randn(pred.shape, generator=generator) for name in KNOWN}
    inputs = {name: inputs[name].requires_grad_() for name in cls.needs}
    if "image" in inputs:
        inputs["image"] = colours
    return pred.requires_grad_(), labels, inputs


def all_weights(labels: Tensor) -> dict[str, Tensor]:
    kept = torch.rand(labels.shape, generator=torch.Generator().manual_seed(2)) > 0.4
    return {"choice": kept.float(), "share": torch.where(kept, 1.0, 0.25)}


@pytest.mark.parametrize("cls", LOSSES, ids=lambda cls: cls.__name__)
def test_weights_of_pixels_count_or_are_refused(cls: type[SegmentationLoss]) -> None:
    pred, labels, inputs = broken_lines(cls)
    loss = cls()
    with extra_inputs(**inputs):
        plain = loss(pred, labels)
        assert abs(plain.item()) > 1e-6, "the input shows nothing"
        for name, weight in all_weights(labels).items():
            if name == "share" and getattr(cls, "of_structures", False):
                with pytest.raises(ValueError, match=r"0 or 1;.*got values from 0\.25 to 1"):
                    loss(pred, labels, weight=weight)
                continue
            weighed = loss(pred, labels, weight=weight)
            assert abs(weighed - plain) > 1e-6, f"{name} changes nothing"


@pytest.mark.parametrize("cls", LOSSES, ids=lambda cls: cls.__name__)
def test_weights_of_zero_cost_nothing_beside_an_image_that_counts(
    cls: type[SegmentationLoss],
) -> None:
    pred, labels, inputs = broken_lines(cls)
    weight = torch.zeros(labels.shape)
    weight[0] = 1
    with extra_inputs(**inputs):
        value = cls(reduction="sum")(pred, labels, weight=weight)
        leaves = [pred, *(given for given in inputs.values() if given.requires_grad)]
        grads = torch.autograd.grad(value, leaves, allow_unused=True)
    with extra_inputs(**{name: given[:1] for name, given in inputs.items()}):
        alone = cls(reduction="sum")(pred[:1], labels[:1])
    torch.testing.assert_close(value, alone)
    assert all(grad is None or grad[1].abs().max() == 0 for grad in grads)


@pytest.mark.parametrize(
    "cls", [c for c in LOSSES if issubclass(c, ClassLoss)], ids=lambda cls: cls.__name__
)
def test_classes_are_chosen_or_refused(cls: type[ClassLoss]) -> None:
    pred, labels, inputs = broken_lines(cls)
    if cls.__name__ in WHOLE:
        with pytest.raises(ValueError, match=r"class.*\[1\]"):
            cls(classes=[1])(pred, labels)
        return
    with extra_inputs(**inputs):
        assert abs(cls(classes=[1])(pred, labels) - cls()(pred, labels)) > 1e-6


@pytest.mark.parametrize(
    "loss", [TopoLoss(), TopologicalPriorLoss(), TopoLoss(compat="topomortar")]
)
def test_pixels_of_weight_zero_are_ignored(loss: MapLoss) -> None:
    pred, labels, _ = broken_lines(type(loss))
    weight = all_weights(labels)["choice"]
    ignored = loss(pred, labels.masked_fill(weight == 0, 255))
    assert torch.equal(loss(pred, labels, weight=weight), ignored)
    dense = F.one_hot(labels, 3).movedim(-1, 1).float()
    assert torch.equal(loss(pred, dense, weight=weight), ignored)
    (grad,) = torch.autograd.grad(ignored, pred)
    assert grad.movedim(1, -1)[weight == 0].abs().max() == 0


def test_released_warping_knows_no_weights() -> None:
    pred, labels, _ = broken_lines(WarpingLoss)
    with pytest.raises(ValueError, match="leave compat out"):
        WarpingLoss(compat="topomortar")(pred, labels, weight=torch.ones(labels.shape))


@pytest.mark.parametrize("cls", LOSSES)
@pytest.mark.parametrize("shape", [(1, 12, 12), (1, 1, 12, 12), (2, 1, 12, 12), (288,)])
def test_weights_of_one_image_serve_the_batch(
    cls: type[SegmentationLoss], shape: tuple[int, ...]
) -> None:
    if cls.needs or 2 not in getattr(cls, "spatial_dims", (2,)):
        pytest.skip("of volumes, or of more than labels")
    loss = StandIn(cls()) if StandIn(cls()).is_needed else cls()
    labels = torch.zeros(2, 12, 12, dtype=torch.long)
    labels[:, 2:6, 2:7] = 1
    logits = torch.randn(2, 2, 12, 12, generator=torch.Generator().manual_seed(0))
    weight = torch.zeros(12, 12)
    weight[:, 1:11] = 1
    full = weight.expand(2, 12, 12)
    given = full.reshape(-1) if len(shape) == 1 else full[: shape[0]].reshape(shape)
    again = copy.deepcopy(loss)  # for some remember what they have seen
    torch.testing.assert_close(loss(logits, labels, given), again(logits, labels, full.clone()))


#: a logarithm of the mean
_UNWEIGHED = ("LogHausdorffDTLoss",)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("cls", LOSSES, ids=lambda cls: cls.__name__)
def test_equal_class_weights_scale_the_loss(cls: type[SegmentationLoss], channels: int) -> None:
    if cls.__name__ in _UNWEIGHED:
        pytest.skip("not proportional")
    factors = [2.0] * (2 if issubclass(cls, PixelLoss) and channels == 1 else channels)
    try:
        loss, plain = cls(class_weight=factors).eval(), cls().eval()
    except ValueError:
        with pytest.raises(ValueError, match=r"drop class_weight|leave class_weight out"):
            cls(class_weight=factors)
        return
    labels = torch.zeros(2, 12, 10, dtype=torch.long)
    labels[:, 2:6, 2:7], labels[:, 8:11, 1:4] = 1, min(channels, 2)
    labels = labels.clamp(max=max(channels - 1, 1))
    logits = torch.randn(2, channels, 12, 10, generator=torch.Generator().manual_seed(0))
    weighed, once = (StandIn(each)(logits, labels) for each in (loss, plain))
    torch.testing.assert_close(weighed, 2 * once)


@pytest.mark.parametrize("sigmoid", [False, True])
@pytest.mark.parametrize(
    "cls", [c for c in LOSSES if issubclass(c, PixelLoss)], ids=lambda cls: cls.__name__
)
def test_weights_of_images_are_those_of_their_pixels(cls: type[PixelLoss], sigmoid: bool) -> None:
    pred, labels, inputs = broken_lines(cls)
    rows = torch.tensor([1.5, 0.25])
    with extra_inputs(**inputs):
        loss = cls(use_sigmoid=sigmoid)
        again = copy.deepcopy(loss)
        value = loss(pred, labels, rows)
        expected = again(pred, labels, rows.view(2, 1, 1).expand(labels.shape).clone())
    torch.testing.assert_close(value, expected)
