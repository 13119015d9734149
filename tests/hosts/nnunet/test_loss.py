"""The loss of a trainer: its resolutions, labels, regions, what is ignored, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from seglosses.hosts.nnunet.loss import NnUNetLoss
from seglosses.hosts.nnunet.spec import Task, build_losses
from seglosses.losses import BettiMatchingLoss, CrossEntropyLoss, DiceLoss, SoftClDiceLoss

TASK = Task(heads=3, dims=2)


def batch(size=12, heads=3, seed=0, dims=2):
    make = torch.Generator().manual_seed(seed)
    labels = torch.zeros(2, 1, *(size,) * dims, dtype=torch.int16)
    labels[:, :, 2:5, 3 : size - 2] = 1
    labels[:, :, 7 : size - 1, 4:7] = heads - 1
    return torch.randn(2, heads, *(size,) * dims, generator=make), labels


def losses(*names, task=TASK, **options):
    return build_losses([{"type": name, **options} for name in names], task)


def test_one_resolution_is_the_sum_of_the_losses():
    logits, labels = batch()
    both = NnUNetLoss(losses("CrossEntropyLoss", "SoftClDiceLoss", loss_weight=0.5), TASK)
    expected = CrossEntropyLoss()(logits, labels) + SoftClDiceLoss()(logits, labels)
    torch.testing.assert_close(both(logits, labels), expected / 2)


def test_shapes_are_compared_at_full_resolution_only():
    fine, coarse = batch(), batch(12, seed=1)
    weights = (0.75, 0.25)
    both = NnUNetLoss(losses("DiceLoss", "SoftClDiceLoss"), TASK, weights=weights)
    expected = sum(
        weight * DiceLoss()(*level) for weight, level in zip(weights, (fine, coarse), strict=True)
    )
    expected = expected + SoftClDiceLoss()(*fine)
    outputs, targets = zip(fine, coarse, strict=True)
    torch.testing.assert_close(both(list(outputs), list(targets)), expected)


def test_a_resolution_of_weight_zero_costs_nothing_but_keeps_its_graph():
    (fine, labels), (coarse, others) = batch(), batch(seed=1)
    coarse.requires_grad_()
    both = NnUNetLoss(losses("DiceLoss"), TASK, weights=(1.0, 0.0))
    value = both([fine, coarse], [labels, others])
    torch.testing.assert_close(value, DiceLoss()(fine, labels))
    value.backward()
    assert not coarse.grad.any()


def test_own_loss_sees_what_the_trainer_gave():
    seen = []

    class Own(nn.Module):
        def forward(self, output, target):
            seen.append((output, target))
            return output[0].sum() * 0 + 2

    logits, labels = batch()
    given = [logits], [labels]
    both = NnUNetLoss(losses("DiceLoss"), TASK, own=Own(), weights=(1.0,))
    torch.testing.assert_close(both(*given), 2 + DiceLoss()(logits, labels))
    assert seen[0][0] is given[0]
    assert seen[0][1] is given[1]


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", ["CrossEntropyLoss", "DiceLoss", "SoftClDiceLoss",
                                  "SkeletonRecallLoss", "KervadecBoundaryLoss",
                                  "BettiMatchingLoss"])  # fmt: skip
@pytest.mark.parametrize("regions", [False, True])
def test_what_is_ignored_changes_nothing(name, regions, dims):
    task = Task(heads=2, dims=dims, regions=regions, ignore_label=2)
    logits, labels = batch(heads=2, dims=dims)
    ignored = torch.zeros_like(labels, dtype=torch.bool)
    ignored[:, :, :5, 6:9] = True
    logits.requires_grad_()
    both = NnUNetLoss(losses(name, task=task), task)
    if regions:
        # the second region lies in the first; the ignored pixels are a channel of their own
        target = torch.cat([labels > 0, labels > 0, ignored], 1)
        target[:, :2].masked_fill_(ignored, False)
        other = target.clone()
    else:
        target = labels.masked_fill(ignored, 2)
        other = target
    value = both(logits, target)
    (gradient,) = torch.autograd.grad(value, logits)
    assert not gradient.masked_select(ignored).any()
    assert gradient.any()
    moved = logits.detach() + 5 * ignored * torch.randn(logits.shape)
    torch.testing.assert_close(both(moved, other), value.detach())


def test_regions_are_independent_channels():
    task = Task(heads=2, dims=2, regions=True)
    logits, labels = batch(heads=2)
    target = torch.cat([labels > 0, labels > 0], 1)
    both = NnUNetLoss(losses("CrossEntropyLoss", task=task), task)
    expected = nn.functional.binary_cross_entropy_with_logits(logits, target.float())
    torch.testing.assert_close(both(logits, target), expected)


def test_cross_entropy_of_regions_is_the_mean_over_what_counts():
    task = Task(heads=2, dims=2, regions=True, ignore_label=3)
    logits, labels = batch(heads=2)
    ignored = torch.zeros_like(labels, dtype=torch.bool)
    ignored[..., ::2] = True
    target = torch.cat([labels > 0, labels > 0, ignored], 1)
    both = NnUNetLoss(losses("CrossEntropyLoss", task=task), task)
    each = nn.functional.binary_cross_entropy_with_logits(
        logits, target[:, :2].float(), reduction="none"
    )
    torch.testing.assert_close(both(logits, target), each[~ignored.expand_as(each)].mean())
    nothing = target.clone()
    nothing[:, -1] = True
    assert both(logits, nothing) == 0


def test_weights_follow_the_epochs_and_cost_nothing_before(monkeypatch):
    schedule = {"value": 0.5, "start": 0.5, "warmup": 0.25}
    both = NnUNetLoss(losses("BettiMatchingLoss", loss_weight=schedule), TASK)
    calls = []
    forward = BettiMatchingLoss.forward
    monkeypatch.setattr(
        BettiMatchingLoss, "forward", lambda *a, **k: calls.append(1) or forward(*a, **k)
    )
    logits, labels = batch()
    said = both.set_progress(0.0)
    assert said == ["weight of loss_betti_matching: 0"]
    assert both(logits.requires_grad_(), labels) == 0
    assert not calls
    assert both.set_progress(0.25) == []
    assert both.set_progress(0.625) == ["weight of loss_betti_matching: 0.25"]
    half = both(logits, labels)
    both.set_progress(1.0)
    torch.testing.assert_close(both(logits, labels), 2 * half)
    assert len(calls) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the compiler
def test_compiled_losses_give_the_same_number():
    logits, labels = batch()
    plain = NnUNetLoss(losses("DiceLoss", "SoftClDiceLoss"), TASK)
    compiled = NnUNetLoss(losses("DiceLoss", "SoftClDiceLoss"), TASK, compiled=True)
    compiled._calls = [
        torch.compile(loss, backend="eager") if call is not loss else call
        for loss, call in zip(compiled.losses, compiled._calls, strict=True)
    ]
    assert [call is loss for call, loss in zip(compiled._calls, compiled.losses, strict=True)] == [
        False,
        True,
    ], "counts are compiled, shapes are not"
    torch.testing.assert_close(compiled(logits, labels), plain(logits, labels))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x, y + 2), r"label values 3, 4 .*3 labels with background and no ignore"
         r' label.*"ignore": 3'),
        (lambda x, y: (x, y.squeeze(1)), r"expected targets \(2, 1, 12, 12\)"),
        (lambda x, y: (x, y.expand(-1, 3, -1, -1)), "declared as regions in dataset.json"),
        (lambda x, y: (x[:, :2], y), r"expected the network's output \(N, 3, HW\)"),
        (lambda x, y: (x[..., None], y[..., None]), "2D, 3 labels"),
        (lambda x, y: ([x], y), "deep supervision is on for one of network and data loader"),
        (lambda x, y: ([x, x], [y]), "2 outputs, 1 targets and 1 weights"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words_of_nnunet(change, words):
    both = NnUNetLoss(losses("DiceLoss"), TASK)
    with pytest.raises(ValueError, match=words):
        both(*change(*batch()))


def test_targets_of_regions_need_their_channels():
    task = Task(heads=2, dims=2, regions=True, ignore_label=3)
    logits, labels = batch(heads=2)
    both = NnUNetLoss(losses("DiceLoss", task=task), task)
    with pytest.raises(ValueError, match=r"\(2, 3, 12, 12\).*last of which marks what is ignored"):
        both(logits, torch.cat([labels, labels], 1) > 0)
