"""Shares of the gradient in place of weights: reached, frozen, joined late, and refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import CrossEntropyLoss, DiceLoss, SoftClDiceLoss
from seglosses.losses.balance import Balancer, LossBalance, Measured, gradient_at
from tests.losses.test_balance import LABELS, logits


def test_a_target_share_is_reached_and_then_frozen() -> None:
    cldice = SoftClDiceLoss(iterations=2, loss_weight=dict(share=0.25))
    balance = LossBalance([CrossEntropyLoss(), DiceLoss(), cldice], every=1, settle=3)
    pred = logits()
    weights = []
    for _ in range(5):
        balance(pred, LABELS)
        weights.append(cldice.loss_weight)
    plain = [one.norms["loss_cross_entropy"] + one.norms["loss_dice"] for one in balance.history]
    assert balance.last is not None
    assert balance.last.shares["loss_soft_cldice"] == pytest.approx(0.25, abs=1e-4)
    assert plain[0] == pytest.approx(plain[-1])
    torch.manual_seed(1)
    balance(5 * torch.randn(2, 2, 12, 10, requires_grad=True), LABELS)
    assert cldice.loss_weight == weights[2]


def test_two_shares_are_exact_together() -> None:
    first = DiceLoss(loss_weight=dict(share=0.2), loss_name="loss_a")
    second = SoftClDiceLoss(iterations=2, loss_weight=dict(share=0.5), loss_name="loss_b")
    balance = LossBalance([CrossEntropyLoss(), first, second], every=1)
    for _ in range(3):
        balance(logits(), LABELS)
    assert balance.last is not None
    shares = balance.last.shares
    assert [shares["loss_a"], shares["loss_b"]] == pytest.approx([0.2, 0.5], abs=1e-4)


def test_a_share_joins_late_and_grows_to_its_weight() -> None:
    late = SoftClDiceLoss(iterations=2, loss_weight=dict(share=0.3, start=0.5, warmup=0.25))
    balance = LossBalance([CrossEntropyLoss(), late], every=100, settle=5)
    shares = []
    for step in range(8):
        balance.set_progress(step / 8)
        balance(logits(), LABELS)
        shares.append(late.loss_weight)
    assert shares[:5] == [0.0] * 5  # at 4/8 it only begins
    assert shares[5] > 0
    assert shares[7] == pytest.approx(2 * shares[5], rel=0.2)
    # measured at once when it came on, between two measurements
    assert [one.step for one in balance.history] == [0, 5]


def test_half_precision_gradients_of_sums_do_not_overflow() -> None:
    """Times 2^16 a gradient of 3 is infinite in half precision."""
    pred = torch.zeros(1, 1, 30, 30, dtype=torch.float16, requires_grad=True)
    for factor in (3.0, 1000.0):
        found = gradient_at((pred.float() * factor).sum(), pred)
        assert found is not None
        assert found.unique().tolist() == [factor]
    ce, dice = CrossEntropyLoss(reduction="sum"), DiceLoss(loss_weight=dict(share=0.3))
    balance = LossBalance({"ce": ce, "dice": dice}, every=50)
    for _ in range(30):
        balance(logits().half().requires_grad_(), LABELS)
    assert len(balance.history) == 1
    assert dice.loss_weight > 0.001


def test_a_share_waits_for_the_terms_that_it_is_a_share_with() -> None:
    """Measurements while they are off are none: ten of them left the share at nothing."""
    ce = CrossEntropyLoss(loss_weight=dict(value=1.0, start=0.5))
    dice = DiceLoss(loss_weight=dict(share=0.5))
    balance = LossBalance({"ce": ce, "dice": dice}, every=5, settle=3)

    def first_half() -> None:
        for step in range(50):
            balance.set_progress(step / 100)
            balance(logits(), LABELS)

    with pytest.warns(UserWarning, match="the gradient of the terms without a share is 0") as said:
        first_half()
    assert len(said) == 1
    # three in a row, and then every fifth call: not one backward more for each call
    assert len(balance.history) == 3 + len([step for step in range(3, 50) if step % 5 == 0])
    assert dice.loss_weight == 0.001
    balance.set_progress(0.5)
    balance(logits(), LABELS)  # call 50 is measured
    balance.every = 1
    balance(logits(), LABELS)
    assert balance.last is not None
    assert balance.last.shares["dice"] == pytest.approx(0.5, abs=0.05)


def test_a_share_of_no_weight_is_refused() -> None:
    for value in (0.0, -1.0):
        with pytest.raises(ValueError, match="a value above 0 beside share"):
            DiceLoss(loss_weight=dict(share=0.3, value=value))


def test_a_share_that_nothing_measures_is_refused() -> None:
    with pytest.raises(ValueError, match="LossBalanceHook"):
        DiceLoss(loss_weight=dict(share=0.2))(logits(), LABELS)
    with pytest.raises(ValueError, match=r"share in \(0, 1\)"):
        DiceLoss(loss_weight=dict(share=1.5))
    with pytest.raises(ValueError, match="share or initial"):
        DiceLoss(loss_weight=dict(share=0.5, initial=0.1, start=0.1))
    loss = DiceLoss(loss_weight=dict(share=0.2))
    assert DiceLoss(**loss.options()).options() == loss.options()


def test_shares_must_leave_something() -> None:
    share = dict(loss_weight=dict(share=0.5))
    with pytest.raises(ValueError, match="leave nothing"):
        LossBalance([DiceLoss(**share)])
    with pytest.raises(ValueError, match="leave nothing"):
        LossBalance([CrossEntropyLoss(), DiceLoss(**share), SoftClDiceLoss(**share)])


def test_processes_set_the_same_weights_from_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_the_other_rank(sums: Tensor) -> None:
        sums += torch.tensor([3.0, 1.0, 1.0])

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_reduce", add_the_other_rank)
    share = DiceLoss(loss_weight=dict(share=0.5))
    balancer = Balancer({"ce": CrossEntropyLoss(), "dice": share})
    here = Measured(0, {"ce": 1.0, "dice": 3.0}, {"ce": 0.25, "dice": 0.75}, {}, {})
    balancer.add(here)
    # both ranks see (1 + 3) / 2 and (3 + 1) / 2
    assert balancer.history[-1].shares == {"ce": 0.5, "dice": 0.5}
    assert share.loss_weight == pytest.approx(0.001)
    # without a measurement of its own a process has the norms of the other alone
    assert balancer.add(Measured(1, {}, {}, {}, {}))
    assert balancer.history[-1].norms == {"ce": 3.0, "dice": 1.0}
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda sums: sums)
    assert not balancer.add(Measured(2, {}, {}, {}, {}))
    assert balancer.history[-1].step == 1
