"""Every law on every exported loss; the exceptions are named, with reasons."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

import seglosses.losses as exported
from seglosses.laws import EXEMPT, OTHER_INPUTS, Subject, laws_of
from seglosses.losses.base import BoxLoss, Loss, PixelLoss, SegmentationLoss
from seglosses.losses.classwise import ShapeLoss

# What a loss needs beyond its defaults to be built.
ARGUMENTS: dict[str, dict[str, object]] = {}


def loss_classes() -> list[type[Loss]]:
    members = [getattr(exported, name) for name in exported.__all__]
    return [m for m in members if inspect.isclass(m) and issubclass(m, Loss)]


def subjects(cls: type[Loss]) -> Iterator[Subject]:
    arguments = ARGUMENTS.get(cls.__name__, {})
    if issubclass(cls, BoxLoss):
        yield Subject(cls.__name__, "box", cls(reduction="sum", **arguments).eval())
        return
    dims = cls.spatial_dims if issubclass(cls, ShapeLoss) else (2, 3)
    side = 48 if issubclass(cls, ShapeLoss) else 272
    for variant, channels, sigmoid in (
        ("softmax", 3, False),
        ("one-channel", 1, True),
        ("multi-label", 3, True),
    ):
        yield Subject(
            f"{cls.__name__}[{variant}]",
            "segmentation",
            cls(use_sigmoid=sigmoid, **arguments),
            channels=channels,
            soft=True,
            dims=dims,
            side=side,
        )


def cases() -> Iterator[object]:
    for cls in loss_classes():
        if cls.__name__ in OTHER_INPUTS:
            continue
        for subject in subjects(cls):
            for law in laws_of(subject):
                if (cls.__name__, law) not in EXEMPT:
                    yield pytest.param(subject, law, id=f"{subject.name}-{law}")


@pytest.mark.parametrize(("subject", "law"), list(cases()))
def test_law(subject: Subject, law: str) -> None:
    laws_of(subject)[law](subject)


def test_exceptions_name_losses_and_laws_that_exist() -> None:
    names = {cls.__name__ for cls in loss_classes()}
    laws = {law for cls in loss_classes() for s in subjects_or_none(cls) for law in laws_of(s)}
    for loss, law in EXEMPT:
        assert loss in names
        assert law in laws
    assert set(OTHER_INPUTS) | set(ARGUMENTS) <= names


def subjects_or_none(cls: type[Loss]) -> list[Subject]:
    return [] if cls.__name__ in OTHER_INPUTS else list(subjects(cls))


@pytest.mark.parametrize("cls", loss_classes(), ids=lambda cls: cls.__name__)
def test_speaks_the_contract_of_openmmlab(cls: type[Loss]) -> None:
    loss = cls(**ARGUMENTS.get(cls.__name__, {}))
    assert loss.loss_name.startswith("loss_")
    assert loss.loss_weight == 1.0
    assert all((cls.formula, cls.paper, cls.use_when)), "the catalogue needs all three lines"
    assert cls.__doc__
    parameters = inspect.signature(cls.forward).parameters
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if issubclass(cls, SegmentationLoss) and cls.__name__ not in OTHER_INPUTS:
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
    doubled = cls(loss_weight=2.0, loss_name="loss_other", **ARGUMENTS.get(cls.__name__, {}))
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
    return [
        cls
        for cls in loss_classes()
        if issubclass(cls, SegmentationLoss) and cls.__name__ not in OTHER_INPUTS
    ]


def spatial_of(cls: type[SegmentationLoss]) -> tuple[int, ...]:
    dims = cls.spatial_dims if issubclass(cls, ShapeLoss) else (2,)
    return (12, 16) if 2 in dims else (4, 12, 16)


def build(cls: type[Loss], **options: object) -> Callable[..., Tensor]:
    return cls(**{**ARGUMENTS.get(cls.__name__, {}), **options})


@pytest.mark.parametrize("cls", seg_losses(), ids=lambda cls: cls.__name__)
def test_every_head_can_call_it(cls: type[SegmentationLoss]) -> None:
    pred, target = head_input(spatial_of(cls))
    loss = build(cls)
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
    loss = build(cls)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(pred, target)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, loss(pred.float(), target))


@pytest.mark.parametrize("cls", seg_losses(), ids=lambda cls: cls.__name__)
def test_survives_a_checkpoint_and_a_copy(cls: type[SegmentationLoss]) -> None:
    import copy
    import pickle

    loss = build(cls)
    pred, target = head_input(spatial_of(cls))
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        other.load_state_dict(loss.state_dict())
        torch.testing.assert_close(other(pred, target), loss(pred, target))
