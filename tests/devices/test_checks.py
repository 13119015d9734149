"""When labels and weights are checked on a device, which is never at the price of the process."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.catalogue import loss_classes
from seglosses.losses import (
    BettiMatchingLoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    GIoULoss,
    TopoLoss,
)
from seglosses.losses.loss import Loss
from seglosses.primitives.attention import FIRST_CALLS
from tests.devices.cases import case

LOGITS, LABELS = torch.zeros(1, 3, 4, 4), torch.ones(1, 4, 4, dtype=torch.long)
WORDS = r"labels must lie in \[0, 2\] for 3 channel\(s\), or equal ignore_index=255.*got values"


def wrong_labels() -> Tensor:
    return LABELS.index_fill(1, torch.tensor([2]), 7)


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGLOSSES_CHECKS", raising=False)


@pytest.mark.usefixtures("elsewhere")
def test_first_calls_raise_what_a_cpu_raises() -> None:
    loss = DiceLoss()
    for _ in range(FIRST_CALLS):
        with pytest.raises(ValueError, match=WORDS):
            loss(LOGITS, wrong_labels())
    # later it is the device that asserts, here the CPU in its place
    with pytest.raises(RuntimeError, match=r"labels must lie in \[0, 2\]"):
        loss(LOGITS, wrong_labels())
    with pytest.raises(ValueError, match=WORDS):
        DiceLoss()(LOGITS, wrong_labels())


@pytest.mark.usefixtures("elsewhere")
def test_first_calls_check_weights_and_dense_targets() -> None:
    with pytest.raises(ValueError, match="weight must be finite, at least 0"):
        CrossEntropyLoss()(LOGITS, LABELS, torch.full((1, 4, 4), -1.0))
    with pytest.raises(ValueError, match="weights of pixels must be 0 or 1"):
        TopoLoss()(LOGITS, LABELS, torch.full((1, 4, 4), 0.5))
    with pytest.raises(ValueError, match=r"dense targets must lie in \[0, 1\]"):
        DiceLoss()(LOGITS, torch.full((1, 3, 4, 4), 3.0))
    boxes = torch.tensor([[0.0, 0, 4, 4]])
    with pytest.raises(ValueError, match="weight must be finite, at least 0"):
        GIoULoss()(boxes, boxes, torch.tensor([torch.inf]))


@pytest.mark.usefixtures("elsewhere")
def test_sync_checks_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLOSSES_CHECKS", "sync")
    loss = DiceLoss()
    for _ in range(FIRST_CALLS + 2):
        with pytest.raises(ValueError, match=WORDS):
            loss(LOGITS, wrong_labels())


@pytest.mark.usefixtures("elsewhere")
def test_async_waits_in_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLOSSES_CHECKS", "async")
    with pytest.raises(RuntimeError, match=r"labels must lie in \[0, 2\]"):
        DiceLoss()(LOGITS, wrong_labels())


@pytest.mark.parametrize("branch", ["at hand", "elsewhere"])
def test_off_checks_nothing(
    branch: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if branch == "elsewhere":
        request.getfixturevalue("elsewhere")
    weight = torch.full((1, 4, 4), -1.0)
    with pytest.raises(ValueError, match="weight must be finite"):
        CrossEntropyLoss()(LOGITS, LABELS, weight)
    monkeypatch.setenv("SEGLOSSES_CHECKS", "off")
    assert CrossEntropyLoss()(LOGITS, LABELS, weight) < 0


@pytest.mark.at_hand
@pytest.mark.parametrize("kind", ["deltas", "masks", "probabilities"])
def test_off_silences_hints(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes, masks = torch.tensor([[1.0, 1, -1, -1]]), torch.zeros(2, 3, 3, dtype=torch.long)
    masks[:, 1, 1] = 255
    call = {
        "deltas": lambda: GIoULoss()(boxes, boxes),
        "masks": lambda: DiceLoss()(torch.zeros(2, 1, 3, 3), masks),
        "probabilities": lambda: FocalLoss(use_sigmoid=True)(
            torch.rand(2, 4), torch.tensor([0, 1])
        ),
    }[kind]
    with pytest.warns(UserWarning, match=r"corners|foreground|probabilities"):
        call()
    monkeypatch.setenv("SEGLOSSES_CHECKS", "off")
    # a warning is an error in the tests
    call()


@pytest.mark.usefixtures("elsewhere")
def test_other_words_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGLOSSES_CHECKS", "never")
    words = "SEGLOSSES_CHECKS must be sync, async or off, got 'never'"
    with pytest.raises(ValueError, match=words):
        DiceLoss()(LOGITS, LABELS)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(("name", "cls"), loss_classes().items())
def test_nan_ends_no_run(name: str, cls: type[Loss]) -> None:
    made = case(cls)
    assert made is not None
    pred = made.tensors["pred"]
    with torch.no_grad():
        pred.view(-1)[-5] = torch.nan
    value = made.value()
    value.sum().backward()
    others = {"features", "attributions", "second_logits"} & set(made.tensors)
    # these look at places where the prediction's boundary is, or at an extra input alone
    if name not in ("ActiveBoundaryLoss", "BoundaryCrossEntropyLoss") and not others:
        assert bool(value.isnan()) or not pred.grad.isfinite().all()


def test_half_precision_leaves_overflow_to_the_scaler() -> None:
    weight = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for loss in (DiceLoss(), CrossEntropyLoss(), BettiMatchingLoss()):
        pred = (weight.view(1, 3, 1, 1) * 6e4).half() * torch.full((1, 3, 4, 4), 2.0).half()
        scaler.scale(loss(pred, LABELS)).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    assert weight.tolist() == [1, 1, 1]
    assert scaler.get_scale() == 0.5  # halved three times
    with pytest.raises(ValueError, match="DiceLoss is not finite"):
        DiceLoss()(torch.full((1, 3, 4, 4), torch.inf), LABELS)
