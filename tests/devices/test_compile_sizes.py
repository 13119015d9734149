"""One graph, and one exported program, for images and batches of every size."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter
from torch.export import Dim

from seglosses import losses
from seglosses.catalogue import loss_classes
from seglosses.losses.base import SegmentationLoss
from seglosses.losses.box.quality import QualityLoss
from seglosses.losses.loss import Loss
from seglosses.losses.pixel import calibration_kernel
from seglosses.primitives import soft_skeleton
from tests.devices.cases import Case, case

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

#: Sides of images, none of which is the other's.
PLANES = [(side, side + 4) for side in (16, 20, 24, 28, 36)]

IMAGES = [name for name, cls in loss_classes().items() if issubclass(cls, SegmentationLoss)]
QUICK = ["DiceLoss", "FocalLoss", "KernelCalibrationLoss", "KervadecBoundaryLoss", "SSIMLoss"]

#: Losses that take another way from some size on: the graphs that it makes beside torch's.
WAYS = {
    "MultiScaleSSIMLoss": 1,  # two scales fit from 22 pixels on
    "PixelAffinityDistillationLoss": 1,  # from 33 pixels on relations are those of a pooled map
}

#: Losses of a prediction and a target alone, which is what an exported program takes.
EXPORTED = [
    name
    for name, cls in loss_classes().items()
    if not cls.needs and not issubclass(cls, QualityLoss)
]

#: Programs of images whose number of scales is that of the example.
ONE_PLANE = {"MultiScaleSSIMLoss"}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def prepared(name: str, plane: tuple[int, int] = (24, 20)) -> Case:
    made = case(loss_classes()[name], plane=plane)
    assert made is not None
    return made


def graphs(call: Callable[[Callable[..., Tensor], Any], object], loss: Any, given: Any) -> int:
    """Compilations of a loss that is called with one thing after another."""
    counter = CompileCounter()
    compiled = torch.compile(loss, fullgraph=True, backend=counter)
    for each in given:
        call(compiled, each)
    return counter.frame_count


@pytest.fixture(scope="module")
def of_torch() -> int:
    """Graphs of torch's own cross-entropy."""
    torch._dynamo.reset()
    loss = nn.CrossEntropyLoss(ignore_index=255)
    return graphs(lambda f, one: f(*_given(one)), loss, [prepared("FocalLoss", p) for p in PLANES])


def no_more_than_torch(name: str, planes: list[tuple[int, int]], of_torch: int) -> None:
    made = [prepared(name, plane) for plane in planes]
    count = graphs(lambda f, one: one.value(f), made[0].loss, made)
    assert count <= of_torch + WAYS.get(name, 0)


@pytest.mark.parametrize("name", QUICK)
def test_no_more_graphs_than_torch_for_other_sizes(name: str, of_torch: int) -> None:
    no_more_than_torch(name, PLANES, of_torch)


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_no_more_graphs_than_torch_for_every_loss(name: str, of_torch: int) -> None:
    # the backward passes of all take as long again
    with torch.no_grad():
        no_more_than_torch(name, PLANES[::2], of_torch)


OPEN = ["BettiMatchingLoss", "CIoULoss", "MorseLoss", "SSIMLoss"]


def _with_open_numbers(name: str) -> None:
    """``dynamic=True`` keeps options that are numbers open, too."""
    made = case(loss_classes()[name])
    assert made is not None
    torch.manual_seed(0)
    # losses that remember their batches begin anew
    expected = copy.deepcopy(made).value()
    torch.manual_seed(0)
    compiled = torch.compile(made.loss, fullgraph=True, backend="eager", dynamic=True)
    torch.testing.assert_close(made.value(compiled), expected)


@pytest.mark.parametrize("name", OPEN)
def test_numbers_may_stay_open(name: str) -> None:
    _with_open_numbers(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in loss_classes() if name not in OPEN])
def test_numbers_of_every_loss_may_stay_open(name: str) -> None:
    _with_open_numbers(name)


def test_parts_of_a_skeleton_are_counted_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soft_skeleton, "SCRATCH_BYTES", 4 * 7 * 2000)
    maps = [torch.rand(2, 4, s, s + 4, requires_grad=True) for s in (16, 17, 20)]

    def check(compiled: Callable[..., Tensor], image: Tensor) -> None:
        ours, theirs = compiled(image, 0), soft_skeleton.soft_skeleton(image, 0)
        torch.testing.assert_close(ours, theirs)
        slopes = (torch.autograd.grad(each.square().sum(), image)[0] for each in (ours, theirs))
        torch.testing.assert_close(*slopes)

    # two parts of all three, of 6 to 4 maps
    assert graphs(check, soft_skeleton.soft_skeleton, maps) == 2


def test_parts_of_pairs_are_counted_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_kernel, "_PAIRS_ELSEWHERE", 2000)
    scores = [torch.rand(n, requires_grad=True) for n in (50, 51, 53, 54)]

    def check(compiled: Callable[..., Tensor], score: Tensor) -> None:
        target = (score.detach() > 0.4).float()
        both = compiled(score, target), calibration_kernel.kernel_calibration_loss(score, target)
        torch.testing.assert_close(*both)
        slopes = (torch.autograd.grad(each.sum(), score)[0] for each in both)
        torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-5)

    # two parts of all four, of 40 to 37 rows
    assert graphs(check, calibration_kernel.kernel_calibration_loss, scores) == 2


def test_parts_of_nothing() -> None:
    nothing = torch.rand(0, 2, 4, 4, requires_grad=True)
    assert soft_skeleton.soft_skeleton(nothing).shape == nothing.shape
    assert calibration_kernel.kernel_calibration_loss(torch.rand(0), torch.rand(0)).shape == (0,)


def program(loss: Loss, pred: Tensor, target: Any, *, of_planes: bool) -> Any:
    """The loss exported for every number of images, or rows, and every size of images."""
    batch = Dim("batch", min=2, max=64)
    sides = [Dim(f"side{i}", min=16, max=4096) for i in range(pred.dim() - 2)] if of_planes else []
    ours = {0: batch, **dict(enumerate(sides, 2))}
    theirs: Any = {0: batch, **dict(enumerate(sides, 1))}
    shapes = dict(pred=ours, target=(theirs, theirs) if isinstance(target, tuple) else theirs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.export.export(loss, (pred, target), dynamic_shapes=shapes).module()


def export(name: str) -> None:
    """A program of two images, or 48 rows, gives the numbers of six larger ones, or of 20."""
    made = prepared(name)
    # in training a running mean would move from call to call
    loss, pred, target = made.loss.eval(), *_given(made)
    others: Any
    if not isinstance(loss, SegmentationLoss):
        others = (
            pred[:20],
            (tuple(each[:20] for each in target) if isinstance(target, tuple) else target[:20]),
        )
        compiled = program(loss, pred, target, of_planes=False)
    else:
        of_planes = pred.dim() == 4 and name not in ONE_PLANE
        compiled = program(loss, pred, target, of_planes=of_planes)
        more = _given(prepared(name, (36, 28) if of_planes else (24, 20)))
        others = tuple(torch.cat([each, each.flip(0), each]) for each in more)
    torch.testing.assert_close(compiled(*others), loss(*others))


def _given(made: Case) -> tuple[Tensor, Any]:
    pred, target = made.tensors["pred"].detach(), made.tensors["target"]
    return pred, (target, made.tensors["beside"]) if "beside" in made.tensors else target


@pytest.mark.parametrize("name", ["DiceLoss", "GIoULoss", "LovaszSoftmaxLoss", "SSIMLoss"])
def test_export_for_other_sizes(name: str) -> None:
    export(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTED)
def test_export_of_every_loss_for_other_sizes(name: str) -> None:
    export(name)


@pytest.mark.parametrize(
    "options",
    [
        dict(spacing=(1.0, 2.0)),
        dict(spacing=[1, 2]),
        dict(spacing=2.0),
        dict(spacing=np.array([1.0, 2.0])),
        dict(spacing=(np.float32(1), np.float32(2))),
        dict(spacing=np.float64(2)),
    ],
    ids=lambda options: repr(options["spacing"]),
)
@pytest.mark.parametrize(
    "make",
    [
        losses.HausdorffDTLoss,
        losses.KervadecBoundaryLoss,
        losses.LogHausdorffDTLoss,
        losses.RegionWiseLoss,
    ],
)
def test_one_graph_with_spacing(make: type[Loss], options: dict[str, Any]) -> None:
    one_graph(make(**options))


@pytest.mark.parametrize("window", [8, None])
def test_one_graph_of_paths_on_distances(window: int | None) -> None:
    one_graph(losses.MalisLoss(window=window, distance=5))


def one_graph(loss: Loss) -> None:
    pred, target = _given(prepared("FocalLoss", (12, 14)))
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(pred, target), loss(pred, target))
