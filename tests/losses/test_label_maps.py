"""Maps of labels made beforehand give the numbers of maps made by the loss, and are used."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from seglosses.catalogue import loss_classes
from seglosses.losses import BettiMatchingLoss
from seglosses.losses.classes import ClassLoss
from seglosses.losses.label_maps import collated, known_label_maps, label_maps
from seglosses.losses.topology import matching
from seglosses.primitives import device, label_halves
from seglosses.primitives.attention import FIRST_CALLS
from seglosses.topology.label_bars import LabelBars
from tests.devices.cases import labels
from tests.losses.test_transforms import OLD

ALL = [name for name, cls in loss_classes().items() if getattr(cls, "has_label_half", False)]
# of Betti matching, only volumes have a half worth sending
HALVES = [name for name in ALL if name != "BettiMatchingLoss"]
OF_CLASSES = [name for name in HALVES if issubclass(loss_classes()[name], ClassLoss)]


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return 2 * torch.randn((2, 4, 24, 20), generator=generator), labels(2, (24, 20))


def made(losses: list[Any], target: Tensor) -> dict[str, Tensor]:
    return collated([label_maps(losses, image, num_classes=4) for image in target])


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many batches of masks NumPy was given."""
    calls: list[int] = []
    original = label_halves.host_maps

    def host_maps(compute: Any, *maps: Tensor, **rest: Any) -> Tensor:
        calls.append(maps[0].shape[0])
        return original(compute, *maps, **rest)

    monkeypatch.setattr(label_halves, "host_maps", host_maps)
    return lambda: sum(calls)


def test_there_are_such_losses() -> None:
    wanted = {"SkeletonRecallLoss", "KervadecBoundaryLoss", "HausdorffDTLoss", "RegionWiseLoss"}
    assert wanted | {"CenterlineBoundaryDiceLoss"} <= set(HALVES)
    weighed = {"ComponentBalancedCrossEntropyLoss", "InstanceBoundaryCrossEntropyLoss"}
    assert weighed | {"ComponentBalancedDiceLoss"} <= set(HALVES)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *itertools.product(HALVES, [{}, {"use_sigmoid": True}]),
        *((name, {"classes": [2]}) for name in OF_CLASSES),
        ("InstanceBoundaryCrossEntropyLoss", {"radius": 2}),
    ],
    ids=str,
)
def test_results_are_equal(name: str, options: Any, counted: Callable[[], int]) -> None:
    loss = loss_classes()[name](**options)
    logits, target = batch()
    expected = loss(logits, target)
    all_of_it = counted()
    maps = made([loss], target)
    assert maps
    before = counted()
    with known_label_maps(maps):
        torch.testing.assert_close(loss(logits, target), expected, rtol=0, atol=0)
    # the label's half is not computed again
    assert counted() - before == all_of_it - 2


VOLUME_OPTIONS = [
    {},
    {"filtration": "both"},
    {"construction": "T", "use_sigmoid": True},
    {"window": 4},
    {"classes": [1], "filtration": "sublevel"},
]


def volumes() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    target = torch.randint(3, (2, 6, 7, 8), generator=generator)
    return 3 * torch.randn((2, 3, 6, 7, 8), generator=generator), target


@pytest.fixture
def recalled(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each label of a volume was known when it was matched."""
    seen: list[bool] = []
    original = LabelBars.get

    def get(self: LabelBars, name: bytes) -> Any:
        bars = original(self, name)
        seen.append(bars is not None)
        return bars

    monkeypatch.setattr(LabelBars, "get", get)
    return seen


@pytest.mark.parametrize("options", VOLUME_OPTIONS, ids=str)
def test_loops_of_labels_come_from_the_loader(options: Any, recalled: list[bool]) -> None:
    loss = BettiMatchingLoss(**options)
    logits, target = volumes()
    logits.requires_grad_()
    expected = torch.autograd.grad(loss(logits, target), logits)[0]
    assert not recalled
    maps = collated([label_maps([loss], image, num_classes=3) for image in target])
    (packed,) = maps.values()
    assert packed.any()
    recalled.clear()
    with known_label_maps(maps):
        found = torch.autograd.grad(loss(logits, target), logits)[0]
    assert recalled
    assert all(recalled)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_loops_of_another_label_change_nothing(recalled: list[bool]) -> None:
    loss = BettiMatchingLoss()
    logits, target = volumes()
    expected = loss(logits, target)
    maps = collated([label_maps([loss], image, num_classes=3) for image in target.flip(1)])
    recalled.clear()
    with known_label_maps(maps):
        assert loss(logits, target) == expected
    assert recalled
    assert not any(recalled)


def test_a_worker_matches_no_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_matched_loss", lambda *_: pytest.fail("was matched"))
    loss, target = BettiMatchingLoss(), volumes()[1][0]
    assert label_maps([loss], target, num_classes=3)
    assert not label_maps([loss], target[0], num_classes=3)


def test_a_box_drawn_at_random_has_no_map() -> None:
    target = volumes()[1][0]
    assert not label_maps([BettiMatchingLoss(crop=4)], target, num_classes=3)
    assert not label_maps([BettiMatchingLoss()], target[0], num_classes=3)


def test_maps_of_other_classes_are_not_taken() -> None:
    cls = loss_classes()["SkeletonRecallLoss"]
    logits, target = batch()
    expected = cls(classes=[2])(logits, target)
    with known_label_maps(made([cls(classes=[1])], target)):
        torch.testing.assert_close(cls(classes=[2])(logits, target), expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", HALVES)
def test_maps_without_another_label_are_not_taken(name: str) -> None:
    loss = loss_classes()[name]()
    logits, target = batch()
    expected = loss(logits, target.where(target != 255, 0), ignore_index=1)
    with known_label_maps(made([loss], target.where(target != 255, 0))):
        # a head ignores another one than the losses of the workers did
        found = loss(logits, target.where(target != 255, 0), ignore_index=1)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_weights_of_another_radius_and_of_dense_targets_are_computed() -> None:
    cls = loss_classes()["InstanceBoundaryCrossEntropyLoss"]
    logits, target = batch()
    dense = torch.nn.functional.softmax(3 * logits.roll(1, 2), 1)
    expected = cls(radius=2)(logits, target), cls()(logits, dense)
    with known_label_maps(made([cls()], target)):
        found = cls(radius=2)(logits, target), cls()(logits, dense)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", HALVES)
def test_weights_of_pixels_and_other_sizes_are_computed(name: str) -> None:
    loss = loss_classes()[name]()
    logits, target = batch()
    weight = (torch.arange(20) > 5).float().expand(2, 24, 20)
    half = logits[..., ::2, ::2], target[..., ::2, ::2]
    expected = loss(logits, target, weight), loss(*half)
    with known_label_maps(made([loss], target)):
        torch.testing.assert_close(loss(logits, target, weight), expected[0], rtol=0, atol=0)
        torch.testing.assert_close(loss(*half), expected[1], rtol=0, atol=0)


def test_a_map_is_taken_as_it_is() -> None:
    loss = loss_classes()["SkeletonRecallLoss"]()
    logits, target = batch()
    expected = loss(logits, target)
    maps = made([loss], target)
    changed = {key: ~each if each.dtype == torch.bool else each for key, each in maps.items()}
    with known_label_maps(changed):
        assert loss(logits, target) != expected


def others(target: Tensor) -> list[Tensor]:
    """Labels of the same classes and size."""
    swapped = target.masked_fill(target == 1, 2).masked_fill(target == 2, 1)
    fewer = target.clone()
    fewer[1, 5, 5] = 3 - target[1, 5, 5]
    second = torch.stack([target[0], target[1].flip(0)])
    whole = [target.flip(1), target.flip(2), target.flip(0), target.roll(3, 2)]
    return [*whole, swapped, fewer, second]


@pytest.mark.at_hand
@pytest.mark.parametrize("options", [{}, {"use_sigmoid": True}], ids=str)
@pytest.mark.parametrize("name", HALVES)
def test_maps_of_another_label_are_not_taken(name: str, options: Any) -> None:
    loss = loss_classes()[name](**options)
    logits, target = batch()
    maps = made([loss], target)
    for other in others(target):
        expected = loss(logits, other)
        with known_label_maps(maps):
            torch.testing.assert_close(loss(logits, other), expected, rtol=0, atol=0)


@pytest.mark.at_hand
@pytest.mark.parametrize("name", HALVES)
def test_dense_targets_have_their_own_maps(name: str) -> None:
    loss = loss_classes()[name]()
    logits, target = batch()
    dense = torch.nn.functional.softmax(3 * logits.roll(1, 2), 1)
    expected = loss(logits, dense)
    with known_label_maps(made([loss], target)):
        torch.testing.assert_close(loss(logits, dense), expected, rtol=0, atol=0)


def test_maps_without_a_digest_are_not_taken() -> None:
    loss = loss_classes()["SkeletonRecallLoss"]()
    logits, target = batch()
    expected = loss(logits, target)
    maps = {key: ~each for key, each in made([loss], target).items() if each.dtype == torch.bool}
    with known_label_maps(maps):
        assert loss(logits, target) == expected


@pytest.mark.skipif(OLD, reason="what NumPy computes can be transformed from torch 2.5 on")
def test_transforms_of_a_loss_make_their_own_maps() -> None:
    loss = loss_classes()["SkeletonRecallLoss"]()
    logits, target = batch()
    expected = torch.func.grad(loss)(logits, target.flip(1))
    with known_label_maps(made([loss], target)):
        found = torch.func.grad(loss)(logits, target.flip(1))
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", HALVES)
def test_maps_lie_with_the_label(name: str) -> None:
    loss = loss_classes()[name]()
    target = batch()[1][0]
    expected = label_maps([loss], target, num_classes=4)
    # where PyTorch makes new tensors on another device by default
    with torch.device("meta"):
        found = label_maps([loss], target, num_classes=4)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", HALVES)
def test_a_device_refuses_maps_of_another_label(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGLOSSES_CHECKS", raising=False)
    loss = loss_classes()[name]()
    logits, target = batch()
    expected = loss(logits, target)
    with known_label_maps(made([loss], target)):
        for _ in range(FIRST_CALLS + 1):
            torch.testing.assert_close(loss(logits, target), expected, rtol=0, atol=0)
        # later it is the device that asserts, here the CPU in its place
        with pytest.raises(RuntimeError, match="of another label"):
            loss(logits, target.flip(1))
        with pytest.raises(ValueError, match="of another label"):
            loss_classes()[name]()(logits, target.flip(1))
        monkeypatch.setenv("SEGLOSSES_CHECKS", "off")
        assert loss(logits, target.flip(1)).isfinite()


@pytest.mark.parametrize("dtype", [torch.bool, torch.int16, torch.int64])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 6, 6), (2, 7), (1, 1, 4, 4, 9), (2, 3, 1, 1)])
def test_digests_are_alike_on_all_devices(
    shape: tuple[int, ...], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = torch.randint(-1, 2, shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    here = label_halves.digests(maps)
    assert here.shape == shape[:1]
    together = torch.cat([maps, maps]).contiguous(
        memory_format=torch.channels_last if len(shape) == 4 else torch.contiguous_format
    )
    assert label_halves.digests(together).equal(here.repeat(2))
    assert label_halves.digests(together.flip(-1).flip(-1)[: shape[0]]).equal(here)
    monkeypatch.setattr(device, "HOSTS", frozenset())
    assert label_halves.digests(maps).equal(here)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64])
def test_digests_tell_maps_apart(dtype: torch.dtype) -> None:
    one = torch.zeros(1, 2, 8, 8, dtype=dtype)
    points = [one.clone() for _ in range(one.numel())]
    for place, each in enumerate(points):
        each.view(-1)[place] = 1
    lines = [torch.cat(points).roll(k, 0)[::8].cumsum(0).to(dtype) for k in range(8)]
    tall = one[:, :1].clone()
    tall[..., 1] = 1
    squares = torch.cat([tall, tall.mT, tall.flip(-1), tall.flip(-2), tall.mT.flip(-1)])
    for maps in (torch.cat([one, *points, *lines]), squares):
        known = {tuple(each.flatten().tolist()) for each in maps}
        assert len(label_halves.digests(maps).unique()) == len(known)


def test_digests_see_what_is_below_zero() -> None:
    # -1 is where a label is ignored
    labels = torch.tensor([[[0, -1]], [[-1, 0]], [[-1, -1]], [[0, 0]], [[1, -1]]])
    assert len(label_halves.digests(labels).unique()) == len(labels)
