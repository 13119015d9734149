"""Hard pixels: by hand, MMSegmentation's sampler, ties, ignored pixels."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from seglosses.losses import (
    CrossEntropyLoss,
    OHEMCrossEntropyLoss,
    TopKCrossEntropyLoss,
    hardest_pixels,
    hardest_share,
)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 4, 9, 7, generator=generator)
    labels = torch.randint(0, 4, (2, 9, 7), generator=generator)
    labels[0, :3] = 255
    return logits, labels


@pytest.mark.parametrize("share", [0.1, 0.37, 1.0])
def test_the_share_is_that_of_sorted_losses(share: float) -> None:
    logits, labels = batch()
    each = F.cross_entropy(logits, labels, ignore_index=255, reduction="none")[labels != 255]
    count = -int(-(len(each) * share) // 1)
    expected = each.sort(descending=True).values[:count].mean()
    torch.testing.assert_close(TopKCrossEntropyLoss(share=share)(logits, labels), expected)


def test_all_of_it_is_cross_entropy() -> None:
    logits, labels = batch()
    plain = CrossEntropyLoss()(logits, labels)
    torch.testing.assert_close(TopKCrossEntropyLoss(share=1.0)(logits, labels), plain)
    torch.testing.assert_close(OHEMCrossEntropyLoss(threshold=1.0)(logits, labels), plain)


@pytest.mark.parametrize(("threshold", "min_kept"), [(0.7, 1), (0.3, 1), (0.1, 40), (0.7, 1000)])
def test_ohem_is_mmsegs_sampler(threshold: float, min_kept: int) -> None:
    """Sorted probabilities of the label; the sampler keeps min_kept per image of the batch."""
    logits, labels = batch()
    valid = labels != 255
    sure = logits.softmax(1).gather(1, labels.where(valid, 0).unsqueeze(1)).squeeze(1)
    ranked = sure[valid].sort().values
    bound = max(float(ranked[min(min_kept, len(ranked) - 1)]), threshold)
    kept = valid & (sure < bound)
    each = F.cross_entropy(logits, labels, ignore_index=255, reduction="none")
    loss = OHEMCrossEntropyLoss(threshold=threshold, min_kept=min_kept)
    torch.testing.assert_close(loss(logits, labels), each[kept].mean(), rtol=0.01, atol=0)
    found = hardest_pixels(each, sure, valid, threshold=threshold, min_kept=min_kept)
    assert not (kept & ~found).any()
    assert int(found.sum()) == max(int((valid & (sure < threshold)).sum()),
                                   min(min_kept, int(valid.sum())))  # fmt: skip


def test_pixels_that_tie_are_taken_together() -> None:
    assert hardest_share(torch.ones(2, 3), share=0.1).all()
    assert hardest_pixels(torch.ones(4), torch.full((4,), 0.9), min_kept=1).all()


def test_ignored_pixels_are_never_hard() -> None:
    loss = torch.tensor([9.0, 1.0, 2.0])
    valid = torch.tensor([False, True, True])
    assert hardest_share(loss, valid, share=0.5).tolist() == [False, False, True]
    assert hardest_pixels(loss, (-loss).exp(), valid, min_kept=3).tolist() == [False, True, True]
    nothing = hardest_share(loss, torch.zeros(3, dtype=torch.bool))
    assert not nothing.any()


def test_class_weights_scale_but_do_not_choose_under_ohem() -> None:
    logits, labels = batch()
    loss = OHEMCrossEntropyLoss(threshold=0.5, min_kept=1, class_weight=[0.0, 0.0, 0.0, 2.0])
    valid = labels != 255
    sure = logits.softmax(1).gather(1, labels.where(valid, 0).unsqueeze(1)).squeeze(1)
    kept = valid & (sure < 0.5)
    each = -2 * sure.log() * (labels == 3)
    torch.testing.assert_close(loss(logits, labels), each[kept].mean())


@pytest.mark.parametrize(
    "make",
    [
        lambda: TopKCrossEntropyLoss(share=0.0),
        lambda: TopKCrossEntropyLoss(share=1.5),
        lambda: OHEMCrossEntropyLoss(threshold=0.0),
        lambda: OHEMCrossEntropyLoss(min_kept=0),
    ],
)
def test_options_out_of_range_are_refused(make) -> None:
    with pytest.raises(ValueError, match="must lie"):
        make()


@pytest.mark.parametrize("cls", [TopKCrossEntropyLoss, OHEMCrossEntropyLoss])
def test_independent_channels_are_chosen_one_by_one(cls) -> None:
    logits, labels = torch.zeros(1, 2, 2), torch.tensor([[0, 1]])
    logits[0, 1, 0] = 5.0  # one of four is badly wrong: channel 1 of the first pixel
    options = {"share": 0.25} if cls is TopKCrossEntropyLoss else {"threshold": 0.1, "min_kept": 1}
    loss = cls(use_sigmoid=True, **options)
    wrong = F.softplus(torch.tensor(5.0))
    torch.testing.assert_close(loss(logits, labels), wrong)
    each = loss(logits, labels, reduction_override="none")
    torch.testing.assert_close(each, torch.tensor([[wrong / 2, 0.0]]))
    rows = loss(logits[0].T, labels[0], reduction_override="none")
    torch.testing.assert_close(rows, torch.tensor([[0.0, wrong], [0.0, 0.0]]))
    total = cls(use_sigmoid=True, reduction="sum", **options)(logits, labels)
    torch.testing.assert_close(total, wrong)
    divided = loss(logits, labels, avg_factor=torch.tensor(3.0))
    torch.testing.assert_close(divided, wrong / 3)


@pytest.mark.parametrize("cls", [OHEMCrossEntropyLoss, TopKCrossEntropyLoss])
def test_a_mean_of_class_weights_is_refused(cls: type[OHEMCrossEntropyLoss]) -> None:
    with pytest.raises(ValueError, match=r"renormalize=False, got True.*class_weight"):
        cls(class_weight=[1, 2], renormalize=True)
