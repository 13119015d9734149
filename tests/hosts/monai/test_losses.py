"""Every loss takes MONAI's layouts as they are, by itself and under deep supervision."""

from __future__ import annotations

import ast
import inspect
import warnings
from pathlib import Path

import pytest
import torch

pytest.importorskip("monai")
from monai.data import MetaTensor
from monai.losses import DeepSupervisionLoss, DiceLoss
from monai.networks import one_hot

import seglosses.losses as exported
from seglosses.hosts.monai import SumOfLosses
from seglosses.losses.base import SegmentationLoss

SEGMENTATION = {
    name: getattr(exported, name)
    for name in exported.__all__
    if inspect.isclass(getattr(exported, name))
    and issubclass(getattr(exported, name), SegmentationLoss)
}
LOSSES = sorted(name for name, cls in SEGMENTATION.items() if not cls.needs)
#: They compare more than outputs and labels, and each class says so.
OTHERS = sorted(name for name, cls in SEGMENTATION.items() if cls.needs)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_layouts_of_monai_give_one_number(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    in_2d = 2 in getattr(SEGMENTATION[name], "spatial_dims", (2,))
    size = (2, 3, 32, 32) if in_2d else (2, 3, 8, 8, 8)
    logits = torch.randn(size, generator=generator)
    smooth = torch.nn.functional.avg_pool2d(
        logits.flatten(0, 1).unsqueeze(1).flatten(2, -2), 5, 1, 2
    )
    labels = smooth.reshape(size).argmax(1)
    loss = SEGMENTATION[name]().eval()
    pred = MetaTensor(logits.clone()).requires_grad_()
    channel = MetaTensor(labels.unsqueeze(1).float())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = loss(logits, labels).item()
        for target in (channel, MetaTensor(one_hot(channel, 3))):
            found = loss(pred, target)
            assert found.item() == pytest.approx(expected, rel=1e-5)
            found.backward()
        deep = DeepSupervisionLoss(loss)([pred, pred[..., ::2, ::2]], channel)
    assert torch.isfinite(pred.grad).all()
    assert torch.isfinite(deep)


@pytest.mark.parametrize("name", OTHERS)
def test_what_needs_more_than_outputs_and_labels_says_how_to_give_it(name: str) -> None:
    logits, labels = torch.randn(2, 3, 8, 8), torch.ones(2, 1, 8, 8)
    needed, *_ = SEGMENTATION[name].needs
    with pytest.raises(ValueError, match=rf"extra_inputs\({needed}=\.\.\.\)"):
        SEGMENTATION[name]()(MetaTensor(logits), MetaTensor(labels))


def test_a_sum_of_losses_of_both_libraries() -> None:
    logits, labels = torch.randn(2, 2, 8, 8), torch.ones(2, 1, 8, 8)
    ours = exported.CrossEntropyLoss(loss_weight=0.5)
    theirs = DiceLoss(softmax=True, to_onehot_y=True)
    total = SumOfLosses([ours, theirs])(logits, labels)
    assert total.item() == pytest.approx((ours(logits, labels) + theirs(logits, labels)).item())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: SumOfLosses([]), "at least one loss"),
        (lambda: SumOfLosses([{"_target": "x"}]), "_target_, such as"),
        (lambda: SumOfLosses([exported.DiceLoss()])([torch.zeros(1, 2, 4, 4)], torch.zeros(1)),
         "DeepSupervisionLoss"),
        (lambda: SumOfLosses([exported.DiceLoss()])(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4)),
         "EnsureChannelFirstd"),
        (lambda: exported.DiceLoss()(torch.zeros(1, 2, 4, 4), torch.full((1, 1, 4, 4), 7.0)),
         r"labels must lie in \[0, 1\]"),
    ],
)  # fmt: skip
def test_wrong_layouts(call, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_options_of_monai_are_explained() -> None:
    with pytest.raises(TypeError, match="to_onehot_y"):
        exported.DiceLoss(to_onehot_y=True)


def test_new_empty_is_given_its_size_as_a_tuple() -> None:
    """MetaTensor takes no numbers one by one, and most losses meet it in the slow suite only."""
    folder = Path(exported.__file__).parents[1]
    wrong = [
        f"{path.name}:{call.lineno}"
        for path in folder.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "new_empty"
        and (len(call.args) != 1 or isinstance(call.args[0], ast.Constant | ast.Call | ast.BinOp))
    ]
    assert wrong == []
