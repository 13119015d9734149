"""Gradients at the logits: by hand, against autograd, shares that are reached, and warnings."""

from __future__ import annotations

import copy
import io
import math
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seglosses.losses import CrossEntropyLoss, DiceLoss, SoftClDiceLoss
from seglosses.losses.balance import Balancer, LossBalance, Measured, gradient_at, measure


class Linear(nn.Module):
    """A loss whose gradient at every output is known: its weight times a direction."""

    def __init__(self, direction: list[float], loss_weight: float = 1.0) -> None:
        super().__init__()
        self.direction = torch.tensor(direction)
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return self.loss_weight * (pred * self.direction).sum()


def logits() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 2, 12, 10, requires_grad=True)


LABELS = (torch.arange(240).view(2, 12, 10) % 7 < 3).long()


def test_norms_shares_angles_and_cosines_by_hand() -> None:
    a, b, c = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0]), torch.tensor([-1.0, 0.0])
    found = measure(7, {"a": [a], "b": [b], "c": [c]})
    assert found.step == 7
    assert found.norms == {"a": 3.0, "b": 4.0, "c": 1.0}
    assert found.shares == {"a": 0.375, "b": 0.5, "c": 0.125}
    assert found.angles == pytest.approx({"a~b": 90.0, "a~c": 180.0, "b~c": 90.0})
    # a = (3, 0) against b + c = (-1, 4); b against (2, 0); c against (3, 4)
    expected = {"a": -3 / math.sqrt(9 * 17), "b": 0.0, "c": -3 / 5}
    expected["a"] = -3 / (3 * math.sqrt(17))
    assert found.against == pytest.approx(expected)


def test_terms_at_several_outputs_are_compared_over_all_of_them() -> None:
    one, two = torch.tensor([1.0]), torch.tensor([2.0])
    found = measure(0, {"cls": [one, None], "box": [None, two], "both": [one, one]})
    assert found.norms == pytest.approx({"cls": 1.0, "box": 2.0, "both": math.sqrt(2)})
    assert found.angles == pytest.approx({"cls~box": 90.0, "cls~both": 45.0, "box~both": 45.0})


def test_zero_gradients_have_no_angle_and_no_share() -> None:
    found = measure(0, {"a": [torch.ones(2)], "off": [torch.zeros(2)], "none": [None]})
    assert found.shares == {"a": 1.0, "off": 0.0, "none": 0.0}
    assert found.angles == {}
    assert math.isnan(found.against["a"])
    assert "a/against" not in found.scalars()


def test_the_sum_and_its_gradient_are_those_of_the_losses() -> None:
    losses = [CrossEntropyLoss(), DiceLoss(loss_weight=3.0)]
    measured, plain = logits(), logits()
    balance = LossBalance(losses, every=1)
    value = balance(measured, LABELS)
    value.backward()
    expected = torch.stack([loss(plain, LABELS) for loss in losses]).sum()
    expected.backward()
    torch.testing.assert_close(value, expected)
    assert measured.grad is not None
    torch.testing.assert_close(measured.grad, plain.grad)
    norms = []
    for loss in losses:
        again = logits()
        loss(again, LABELS).backward()
        assert again.grad is not None
        norms.append(float(again.grad.norm()))
    assert balance.last is not None
    assert list(balance.last.norms.values()) == pytest.approx(norms, rel=1e-5)


def test_only_every_kth_call_is_measured_and_none_without_gradients() -> None:
    balance = LossBalance([CrossEntropyLoss(), DiceLoss()], every=3)
    for _ in range(7):
        balance(logits(), LABELS)
    assert [one.step for one in balance.history] == [0, 3, 6]
    with torch.no_grad():
        balance(logits(), LABELS)
    assert balance.calls == 7
    assert balance(logits().detach(), LABELS).requires_grad is False


def test_a_checkpoint_goes_on_with_the_same_weights() -> None:
    def build() -> LossBalance:
        cldice = SoftClDiceLoss(iterations=2, loss_weight=dict(share=0.25))
        return LossBalance([CrossEntropyLoss(), cldice], every=1, settle=4)

    def step(balance: LossBalance, seed: int) -> float:
        torch.manual_seed(seed)
        return float(balance(torch.randn(2, 2, 12, 10, requires_grad=True), LABELS).detach())

    whole, half = build(), build()
    straight = [step(whole, seed) for seed in range(6)]
    for seed in range(2):
        step(half, seed)
    resumed = build()
    resumed.load_state_dict(copy.deepcopy(half.state_dict()))
    assert [step(resumed, seed) for seed in range(2, 6)] == straight[2:]
    # a page of the whole training can be drawn, not of what came after the resume alone
    assert [one.step for one in resumed.history] == [one.step for one in whole.history]
    assert resumed.history[0] == whole.history[0]
    state = half.get_extra_state()
    torch.save(state, buffer := io.BytesIO())
    buffer.seek(0)
    assert torch.load(buffer, weights_only=True)["history"] == state["history"]
    del state["history"]
    resumed.set_extra_state(state)
    assert not resumed.history
    other = LossBalance([CrossEntropyLoss()])
    with pytest.raises(ValueError, match="expected the state of"):
        other.set_extra_state(half.get_extra_state())


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ({"a": Linear([1.0, 0.0]), "b": Linear([0.0, 0.001])}, "b has less than 1 %"),
        ({"a": Linear([1.0, 0.0]), "b": Linear([-0.5, 0.0])}, "works against"),
    ],
)
def test_one_warning_of_a_term_that_is_out_of_balance(
    losses: dict[str, nn.Module], message: str
) -> None:
    balance = LossBalance(losses, every=1, patience=3)
    pred = torch.zeros(1, 2, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            balance(pred, pred)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        balance(pred, pred)
    (said,) = caught  # of two terms the smaller one
    assert message in str(said.message)
    assert str(said.message).startswith("b ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(5):
            balance(pred, pred)


def test_a_term_that_still_grows_may_be_small() -> None:
    """At a thousandth of its weight it has 0.05 % of the gradient, at all of it a third."""
    growing = DiceLoss(loss_weight=dict(value=1.0, warmup=1.0))
    others = {"a": Linear([1.0, 0.0]), "b": Linear([0.0, 1.0])}
    balance = LossBalance({**others, "c": growing}, every=1, patience=2)
    pred = torch.zeros(1, 2, 1, 1, requires_grad=True)
    labels = torch.zeros(1, 1, 1, dtype=torch.long)
    balance.set_progress(0.001)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            balance(pred, labels)
    assert balance.last is not None
    assert 0 < balance.last.shares["c"] < 0.01


def test_the_rest_is_no_idle_term_while_a_schedule_has_it_off() -> None:
    late = DiceLoss(loss_weight=dict(value=1.0, start=0.9))
    balance = LossBalance([CrossEntropyLoss(), late], every=1, patience=2)
    balance.set_progress(0.1)
    pred = torch.zeros(1, 2, 2, 2, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            balance(pred, torch.zeros(1, 2, 2, dtype=torch.long))


def test_names_that_differ_in_a_dot_are_refused() -> None:
    with pytest.raises(ValueError, match=r"differ in more than dots, got seg\.ce, seg_ce"):
        LossBalance({"seg.ce": CrossEntropyLoss(), "seg_ce": DiceLoss()})


def test_terms_are_warned_of_only_after_measurements_in_a_row() -> None:
    first, second = Linear([1.0, 0.0]), Linear([-0.5, 0.0])
    balance = LossBalance({"a": first, "b": second}, every=1, patience=3)
    pred = torch.zeros(1, 2, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(9):
            # against each other at two of three measurements
            second.direction = torch.tensor([-0.5 if step % 3 else 0.5, 0.0])
            balance(pred, pred)


def test_balanced_terms_and_terms_that_are_off_are_not_warned_of() -> None:
    off = DiceLoss(loss_weight=dict(value=1.0, start=0.9))
    balance = LossBalance([CrossEntropyLoss(), SoftClDiceLoss(), off], every=1, patience=2)
    balance.set_progress(0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(5):
            balance(logits(), LABELS)


def test_half_precision_gradients_do_not_vanish() -> None:
    pred = torch.zeros(1, 1, 300, 300, dtype=torch.float16, requires_grad=True)
    found = gradient_at((pred.float() * 1e-9).sum(), pred)
    assert found is not None
    assert float(found.mean()) == pytest.approx(1e-9, rel=0.01)


@pytest.mark.parametrize("resumed", [False, True])
def test_long_trainings_are_kept_evenly(resumed: bool) -> None:
    """Thinning out the older half alone had left nothing of the beginning."""

    def made() -> Balancer:
        return Balancer({"ce": CrossEntropyLoss(), "dice": DiceLoss()}, remember=8)

    balancer = made()
    for step in range(1000):
        balancer.add(Measured(step, {"ce": 1.0, "dice": 1.0}, {"ce": 0.5, "dice": 0.5}, {}, {}))
        steps = [one.step for one in balancer.history]
        assert len(steps) <= 9
        assert (steps[0], steps[-1]) == (0, step)
        assert len(set(np.diff(steps[:-1]).tolist())) <= 1, steps
        assert len(steps) >= min(step + 1, 5)
        if resumed:
            state = balancer.state_dict()
            balancer = made()
            balancer.load_state_dict(state)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LossBalance([]), "at least one loss"),
        (lambda: LossBalance([DiceLoss()], every=0), "every to be at least 1"),
        (lambda: LossBalance([DiceLoss(), DiceLoss()]), "two losses are named loss_dice"),
        (lambda: Balancer({"a": DiceLoss()}, settle=0), "settle of at least 1"),
    ],
)
def test_wrong_options_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_page_draws_what_was_measured(tmp_path) -> None:
    from seglosses.report.balance import write_balance

    history = [
        Measured(s, {"a": 1.0, "b": 1.0}, {"a": 0.5, "b": 0.5}, {"a~b": 90.0}, {"a": 0.0})
        for s in (0, 50)
    ]
    write_balance(tmp_path / "balance.html", {"decode_head": history, "auxiliary_head": history})
    text = (tmp_path / "balance.html").read_text("utf-8")
    assert text.count("<svg") == 6
    assert text.count("<polyline") == 2 * (2 + 1 + 1)
    assert 'id="balance-0"' in text
    assert 'id="balance-1"' in text


def test_measurements_are_kept_as_json_and_read_again(tmp_path) -> None:
    from seglosses.report.balance import read_balance, save_balance

    one = Measured(3, {"a": 1.0}, {"a": 1.0}, {}, {"a": math.nan})
    save_balance(tmp_path / "balance.json", {"decode_head": [one], "nothing": []})
    found = read_balance(tmp_path / "balance.json")
    assert list(found) == ["decode_head"]
    assert found["decode_head"][0].norms == {"a": 1.0}
    assert math.isnan(found["decode_head"][0].against["a"])


def test_a_loss_of_many_numbers_is_named() -> None:
    balance = LossBalance([CrossEntropyLoss(), DiceLoss(reduction="none")])
    with pytest.raises(ValueError, match=r"one number of loss_dice, got shape \(2,\)"):
        balance(logits(), LABELS)
    balance = LossBalance({"pair": nn.MultiheadAttention(2, 1)})
    with pytest.raises(ValueError, match="one number of pair, got tuple"):
        balance(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2))
