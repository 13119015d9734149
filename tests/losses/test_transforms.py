"""``torch.func.grad`` and ``vmap`` of every loss: what a loop gives, or words of why not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.catalogue import loss_classes
from seglosses.laws.stand_ins import UNDEFINED, StandIn
from seglosses.losses.base import BoxLoss, SegmentationLoss
from seglosses.losses.rows import RotatedBoxLoss
from seglosses.primitives import host

LOSSES = loss_classes()
SEGMENTATION = sorted(n for n, c in LOSSES.items() if issubclass(c, SegmentationLoss))
BOXES = sorted(
    n for n, c in LOSSES.items() if issubclass(c, BoxLoss) and not issubclass(c, RotatedBoxLoss)
)
#: Their backward pass is written by hand, and nothing takes its place.
BY_HAND = {
    "CenterlineCrossEntropyLoss",
    "GatedCRFLoss",
    "KernelCalibrationLoss",
    "LovaszHingeLoss",
    "LovaszSoftmaxLoss",
    "MultiScaleSSIMLoss",
    "SSIMLoss",
    "SoftClDiceLoss",
    "TreeEnergyLoss",
}
#: They find a table of features, which is of another length for every image.
TABLES = {"BettiMatchingLoss", "TopoLoss", "TopologicalPriorLoss", "TotalPersistenceLoss"}

Call = Callable[[Tensor, Tensor], Tensor]


def _slope(call: Call, pred: Tensor, target: Tensor) -> Tensor:
    leaf = pred.clone().requires_grad_()
    (slope,) = torch.autograd.grad(call(leaf, target), leaf)
    return slope


#: torch 2.4 has no rule for operators of NumPy inside torch.func, and ours says so
OLD = tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 5)


def _is_plain(call: Call, pred: Tensor, target: Tensor) -> bool:
    """Whether a transform goes through; where it does not, the message says from when on."""
    try:
        torch.func.grad(call)(pred[0], target[0])
    except RuntimeError as error:
        if "from torch 2.5 on" in str(error):
            return False
    return True


def _agree(call: Call, pred: Tensor, target: Tensor, name: str) -> None:
    """Gradients of a batch, values of batches, and gradients of batches."""
    if OLD and not _is_plain(call, pred, target):
        return
    if name in BY_HAND:
        with pytest.raises(RuntimeError, match=r"inside torch.func: .* written by hand"):
            torch.func.grad(call)(pred[0], target[0])
    else:
        found = torch.func.grad(call)(pred[0], target[0])
        torch.testing.assert_close(found, _slope(call, pred[0], target[0]))
    if name in BY_HAND | TABLES:
        with pytest.raises(RuntimeError, match=r"expected a plain call.* a loop"):
            torch.func.vmap(call)(pred, target)
        return
    pairs = list(zip(pred, target, strict=True))
    values = torch.func.vmap(call)(pred, target)
    torch.testing.assert_close(values, torch.stack([call(p, t) for p, t in pairs]))
    slopes = torch.func.vmap(torch.func.grad(call))(pred, target)
    torch.testing.assert_close(slopes, torch.stack([_slope(call, p, t) for p, t in pairs]))


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize(
    "form", ["labels", *(pytest.param(f, marks=pytest.mark.slow) for f in ("dense", "channels"))]
)
@pytest.mark.parametrize("name", SEGMENTATION)
def test_segmentation(name: str, form: str) -> None:
    if form == "channels" and "multi-label" in UNDEFINED.get(name, ()):
        pytest.skip("not defined for independent channels")
    cls = LOSSES[name]
    shape = (12, 10) if 2 in getattr(cls, "spatial_dims", (2,)) else (4, 12, 10)
    logits = torch.randn(2, 2, 3, *shape, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(2, 2, *shape, dtype=torch.long)
    labels[..., 2:6, 2:7], labels[1, ..., 8:11, 1:4] = 1, 2
    labels[..., 0] = 255
    if form == "dense":
        labels = F.one_hot(labels.clamp(max=2), 3).movedim(-1, 2).float()
    loss = cls(use_sigmoid=form == "channels")
    loss = loss.eval() if loss.state_dict() else loss
    call = StandIn(loss) if loss.needs else loss
    _agree(lambda p, t: call(p, t), logits, labels, name)


@pytest.mark.parametrize("name", BOXES)
def test_boxes(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    low = 20 * torch.rand(2, 2, 5, 2, generator=generator)
    size = 4 + 20 * torch.rand(2, 2, 5, 2, generator=generator)
    pred, target = torch.cat([low, low + size], -1)
    loss = LOSSES[name]().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _agree(lambda p, t: loss(p, t), pred, target, name)


def test_labels_out_of_range_pass_a_transform_unchecked_but_not_a_call() -> None:
    loss = LOSSES["CrossEntropyLoss"]()
    labels = torch.tensor([[0, 7]])
    with pytest.raises(ValueError, match="labels must lie in"):
        loss(torch.zeros(1, 2, 2), labels)
    with pytest.raises(IndexError, match="out of bounds"):
        torch.func.grad(lambda p: loss(p, labels))(torch.zeros(1, 2, 2))


class _WithoutRules:
    """An operator as torch 2.4 has it, which knows no transforms."""

    def __init__(self, operator: Any) -> None:
        self._operator = operator

    def __call__(self, *given: Any) -> Any:
        return self._operator(*given)


@pytest.mark.parametrize("name", ["BettiMatchingLoss", "HausdorffDTLoss", "SkeletonRecallLoss"])
def test_what_torch_2_4_cannot_transform_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = loss_classes()[name]()
    pred = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    target = torch.zeros(1, 6, 6, dtype=torch.long)
    target[:, 2:4, 1:5] = 1
    expected = loss(pred, target)
    monkeypatch.setattr(host, "_maps_operator", _WithoutRules(host._maps_operator))
    with pytest.raises(RuntimeError, match=r"can be transformed from torch 2\.5 on, and this is"):
        torch.func.grad(lambda z: loss(z, target))(pred)
    torch.testing.assert_close(loss(pred, target), expected)
