"""Every law on every exported loss; the exceptions are named, with reasons."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

import seglosses.losses as exported
from seglosses.laws import EXEMPT, Subject, laws_of
from seglosses.laws.kinds import box_kind, means_classes
from seglosses.laws.overlap import OVERLAP_LAWS
from seglosses.laws.stand_ins import UNDEFINED, StandIn
from seglosses.losses.base import BoxLoss, Loss, PixelLoss, SegmentationLoss
from seglosses.losses.classwise import MapLoss


def loss_classes() -> list[type[Loss]]:
    members = [getattr(exported, name) for name in exported.EXPORTS]
    return [m for m in members if inspect.isclass(m) and issubclass(m, Loss)]


def subjects(cls: type[Loss]) -> Iterator[Subject]:
    if boxes := box_kind(cls):
        yield Subject(cls.__name__, boxes, cls(reduction="sum").eval(), weighted=True)
        return
    dims = cls.spatial_dims if issubclass(cls, MapLoss) else (2, 3)
    for setting, channels, sigmoid in (
        ("3 classes", 3, False),
        ("1 channel", 1, True),
        ("multi-label", 3, True),
    ):
        if setting in UNDEFINED.get(cls.__name__, ()):
            continue
        loss: Loss = cls(use_sigmoid=sigmoid) if issubclass(cls, SegmentationLoss) else cls()
        if loss.state_dict():
            # what it remembers of a training would change from call to call
            loss.eval()
        subject = Subject(
            f"{cls.__name__}[{setting}]",
            "segmentation",
            loss,
            channels=channels,
            soft=True,
            dims=dims,
            side=48 if issubclass(cls, MapLoss) else 272,
            weighted=True,
            independent=sigmoid and channels > 1,
            classwise=means_classes(cls, sigmoid=sigmoid),
        )
        stand_in = StandIn(loss)
        if stand_in.is_needed:
            subject = replace(stand_in.limited(subject), call=stand_in)
        yield subject


def cases() -> Iterator[object]:
    for cls in loss_classes():
        for subject in subjects(cls):
            for law in laws_of(subject):
                if (cls.__name__, law) not in EXEMPT:
                    yield pytest.param(subject, law, id=f"{subject.name}-{law}")


@pytest.mark.parametrize(("subject", "law"), list(cases()))
def test_law(subject: Subject, law: str) -> None:
    laws_of(subject)[law](subject)


def test_exceptions_name_losses_and_laws_that_exist() -> None:
    tried = ((cls, subject) for cls in loss_classes() for subject in subjects(cls))
    laws = {(cls.__name__, law) for cls, subject in tried for law in laws_of(subject)}
    # the audit also holds losses of that name to the laws of overlap
    laws |= {(cls.__name__, law) for cls in loss_classes() for law in OVERLAP_LAWS}
    assert set(EXEMPT) <= laws
    assert set(UNDEFINED) <= {cls.__name__ for cls in loss_classes()}


@pytest.mark.parametrize("cls", loss_classes(), ids=lambda cls: cls.__name__)
def test_speaks_the_contract_of_openmmlab(cls: type[Loss]) -> None:
    loss = cls()
    assert loss.loss_name.startswith("loss_")
    assert loss.loss_weight == 1.0
    assert all((cls.formula, cls.paper, cls.use_when)), "the catalogue needs all three lines"
    assert cls.__doc__
    parameters = inspect.signature(cls.forward).parameters
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if issubclass(cls, SegmentationLoss):
        assert list(parameters)[1:] == [
            "pred",
            "target",
            "weight",
            "avg_factor",
            "reduction_override",
            "ignore_index",
        ]
    if issubclass(cls, BoxLoss):
        assert list(parameters)[1:] == [
            "pred",
            "target",
            "weight",
            "avg_factor",
            "reduction_override",
        ]
    doubled = cls(loss_weight=2.0, loss_name="loss_other")
    assert doubled.loss_name == "loss_other"
    assert "loss_weight=2.0" in repr(doubled)


def head_input(spatial: tuple[int, ...], channels: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred = torch.randn(2, channels, *spatial, generator=generator, requires_grad=True)
    target = torch.zeros(2, *spatial, dtype=torch.long)
    target[:, ..., 3:9, 4] = 1
    target[:, ..., 0, :] = 255
    return pred, target


def seg_losses() -> list[type[SegmentationLoss]]:
    return [cls for cls in loss_classes() if issubclass(cls, SegmentationLoss)]


def spatial_of(cls: type[SegmentationLoss]) -> tuple[int, ...]:
    dims = cls.spatial_dims if issubclass(cls, MapLoss) else (2,)
    return (12, 16) if 2 in dims else (4, 12, 16)


def told(loss: Loss) -> Callable[..., Tensor]:
    # what a loss remembers of a training would change from call to call
    loss = loss.eval() if loss.state_dict() else loss
    return StandIn(loss) if loss.needs else loss


@pytest.mark.parametrize("cls", seg_losses(), ids=lambda cls: cls.__name__)
def test_every_head_can_call_it(cls: type[SegmentationLoss]) -> None:
    pred, target = head_input(spatial_of(cls))
    loss = told(cls())
    plain = loss(pred, target)
    assert torch.equal(plain, loss(pred, target, weight=None, ignore_index=255))
    # an OHEM sampler with `thresh` gives a weight of 0 or 1 a pixel
    hard = (torch.rand(target.shape, generator=torch.Generator().manual_seed(1)) > 0.3).float()
    assert torch.isfinite(loss(pred, target, weight=hard, ignore_index=255))
    # without `thresh` it asks for values per pixel
    if issubclass(cls, PixelLoss):
        assert loss(pred, target, reduction_override="none").shape == target.shape
    else:
        with pytest.raises(ValueError, match="OHEM"):
            loss(pred, target, reduction_override="none")
    # one-channel heads
    one, target = head_input(spatial_of(cls), channels=1)
    assert torch.isfinite(loss(one, target, ignore_index=255))


@pytest.mark.parametrize("cls", seg_losses(), ids=lambda cls: cls.__name__)
def test_autocast_computes_in_float32(cls: type[SegmentationLoss]) -> None:
    pred, target = head_input(spatial_of(cls))
    pred = pred.detach().bfloat16()
    loss = told(cls())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(pred, target)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, loss(pred.float(), target))


@pytest.mark.parametrize("cls", seg_losses(), ids=lambda cls: cls.__name__)
def test_survives_a_checkpoint_and_a_copy(cls: type[SegmentationLoss]) -> None:
    import copy
    import pickle

    loss = cls()
    pred, target = head_input(spatial_of(cls))
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        other.load_state_dict(loss.state_dict())
        torch.testing.assert_close(told(other)(pred, target), told(loss)(pred, target))
