"""One graph for every loss under ``torch.compile``, with the numbers of the eager loss."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch

from seglosses import losses
from seglosses.catalogue import loss_classes
from seglosses.losses.box.quality import QualityLoss
from tests.devices.cases import Case, case

#: One of each kind of reading, for the compiler that writes code.
THIRTY = (
    "AsymmetricLoss", "BalancedCrossEntropyLoss", "BettiMatchingLoss", "BoundaryCrossEntropyLoss",
    "CIoULoss", "CenterlineBoundaryDiceLoss", "CrossEntropyLoss", "DiceLoss",
    "DistributionFocalLoss", "FBetaLoss", "FocalLoss", "FocalTverskyLoss", "GIoULoss",
    "GeneralizedDiceLoss", "HausdorffDTLoss", "HausdorffErosionLoss", "InfoNCELoss", "JaccardLoss",
    "KLDistillationLoss", "KervadecBoundaryLoss", "LabelSmoothingLoss", "LovaszHingeLoss",
    "LovaszSoftmaxLoss", "MarginSmoothingLoss", "QualityFocalLoss", "SSIMLoss",
    "SkeletonRecallLoss", "SoftClDiceLoss", "TopoLoss", "WiseIoULoss",
)  # fmt: skip


# dynamo instantiates what torch says nobody should, and inductor scripts what is deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

#: Losses of a prediction and a target alone, which is what an exported program takes.
PLAIN = [
    name
    for name, cls in loss_classes().items()
    if not cls.needs and not issubclass(cls, QualityLoss)
]


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compare(eager: Case, backend: str) -> None:
    """Value, gradients and buffers after a call and a backward pass."""
    compiled = Case(copy.deepcopy(eager.loss), eager.fresh())
    value = eager.value()
    value.sum().backward()
    whole = torch.compile(compiled.loss, fullgraph=True, backend=backend)
    result = compiled.value(whole)
    torch.testing.assert_close(result, value, rtol=1e-5, atol=1e-6)
    result.sum().backward()
    for name, tensor in eager.tensors.items():
        torch.testing.assert_close(
            compiled.tensors[name].grad, tensor.grad, rtol=1e-4, atol=1e-6, msg=name
        )
    for ours, theirs in zip(compiled.loss.buffers(), eager.loss.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs)


def prepared(name: str, variant: str = "plain") -> Case:
    made = case(loss_classes()[name], variant)
    assert made is not None
    return made


@pytest.mark.parametrize(
    "name", ["CrossEntropyLoss", "DiceLoss", "GIoULoss", "RankSortLoss", "TreeEnergyLoss"]
)
def test_one_graph(name: str) -> None:
    compare(prepared(name), "aot_eager")


@pytest.mark.slow
@pytest.mark.parametrize("name", loss_classes())
def test_one_graph_for_every_loss(name: str) -> None:
    compare(prepared(name), "aot_eager")


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["weighted", "class weights", "sigmoid", "dense", "volume"])
@pytest.mark.parametrize("name", ["CrossEntropyLoss", "DiceLoss", "SoftClDiceLoss", "TopoLoss"])
def test_one_graph_for_every_variant(name: str, variant: str) -> None:
    compare(prepared(name, variant), "aot_eager")


@pytest.mark.slow
@pytest.mark.parametrize("name", THIRTY)
def test_code_of_inductor(name: str) -> None:
    made = prepared(name)
    if isinstance(made.loss, losses.SoftClDiceLoss):
        # every erosion is written out: two of them show what eleven do, in a third of the time
        made.loss.iterations = 1
    compare(made, "inductor")


def test_running_mean_of_two_calls() -> None:
    """The backward pass needs the mean as it was before the call moved it."""
    made = prepared("WiseIoULoss")
    made.value()
    compare(made, "aot_eager")


def export(name: str) -> None:
    made = prepared(name)
    pred, target = made.tensors["pred"].detach(), made.tensors["target"]
    if "beside" in made.tensors:
        target = target, made.tensors["beside"]
    # in training a running mean would move from call to call
    loss = made.loss.eval()
    program = torch.export.export(loss, (pred, target))
    torch.testing.assert_close(program.module()(pred, target), loss(pred, target))


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "DiceLoss", "CIoULoss", "BettiMatchingLoss"])
def test_export(name: str) -> None:
    export(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLAIN)
def test_export_of_every_loss(name: str) -> None:
    export(name)
