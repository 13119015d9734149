"""Seesaw and EQL v2: the authors' numbers, counts over a training, checkpoints, ranks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp

from seglosses.losses import CrossEntropyLoss, EQLv2Loss, SeesawLoss, seesaw_loss

LOGITS = 2 * torch.sin(1.7 * torch.arange(40.0)).view(8, 5)
LABELS = (torch.arange(8) * 3) % 5
COUNTS = torch.tensor([100.0, 3.0, 0.0, 7.0, 50.0])


def test_seesaw_of_mmdetection() -> None:
    # seesaw_ce_loss(LOGITS, LABELS, None, COUNTS, 5, 0.8, 2.0, 0.01) of MMDetection 3.3
    found = seesaw_loss(LOGITS, LABELS, COUNTS)
    published = [3.566238, 0.83974, 6.020349, 0.500015, 7.748043, 7.967616, 8.539286, 11.883115]
    assert found.tolist() == pytest.approx(published, rel=1e-5)


def test_seesaw_of_mmdetection_with_objectness() -> None:
    mmdet = pytest.importorskip("mmdet.models.losses")
    theirs = mmdet.SeesawLoss(num_classes=3)
    ours = SeesawLoss(objectness=True)
    labels, weight = LABELS.clamp(max=3), torch.tensor([1.0, 0, 1, 2, 1, 1, 1, 0.5])
    for factor in (1, 2, 3):
        logits = (factor * LOGITS).requires_grad_()
        found = ours(logits, labels, weight, avg_factor=6)
        expected = sum(theirs(logits, labels, weight, avg_factor=6).values())
        torch.testing.assert_close(found, expected)
        slopes = [torch.autograd.grad(value, logits)[0] for value in (found, expected)]
        torch.testing.assert_close(*slopes)
    assert ours.sums.counts.tolist() == [*theirs.cum_samples.tolist(), 0]
    assert ours.get_cls_channels(3) == theirs.get_cls_channels(3) == 5
    torch.testing.assert_close(ours.get_activation(LOGITS), theirs.get_activation(LOGITS))
    right, expected = ours.get_accuracy(LOGITS, labels), theirs.get_accuracy(LOGITS, labels)
    assert set(right) == set(expected)
    for name, value in right.items():
        assert value.item() == pytest.approx(expected[name].item())


def test_background_alone_has_no_class() -> None:
    loss = SeesawLoss(objectness=True)
    logits = torch.zeros(3, 5, requires_grad=True)
    value = loss(logits, torch.full((3,), 3), avg_factor=3)
    assert value.item() == pytest.approx(0.6931472)
    (slope,) = torch.autograd.grad(value, logits)
    assert not slope[:, :3].any()
    for labels, words in (
        (torch.tensor([4, 0, 0]), r"labels must lie in \[0, 3\] for 3 classes"),
        (torch.eye(5)[:3], "got a dense target"),
    ):
        with pytest.raises(ValueError, match=words):
            loss(logits, labels)
    with pytest.raises(ValueError, match="drop use_sigmoid"):
        SeesawLoss(objectness=True, use_sigmoid=True)


def test_heads_without_objectness_keep_their_channels() -> None:
    for loss in (SeesawLoss(), EQLv2Loss()):
        assert not loss.custom_cls_channels
        assert not loss.custom_activation
        assert not loss.custom_accuracy


def test_eqlv2_of_its_authors() -> None:
    # EQLv2(num_classes=4) of tztztztztz/eqlv2 at 907fad9, three batches in a row
    loss = EQLv2Loss(objectness=True)
    for factor, published in ((1, 4.9582248), (2, 9.2854548), (3, 11.0282507)):
        found = loss(factor * LOGITS, LABELS, avg_factor=len(LOGITS))
        assert found.item() == pytest.approx(published, rel=1e-6)


def test_seesaw_counts_pixels_in_training_alone() -> None:
    logits, labels = torch.zeros(1, 3, 2, 4), torch.zeros(1, 2, 4, dtype=torch.long)
    labels[0, 0, 0], labels[0, 1] = 2, 255
    loss = SeesawLoss()
    loss(logits, labels)
    loss(logits, labels)
    assert loss.sums.counts.tolist() == [6, 0, 2]
    loss.eval()(logits, labels)
    assert loss.sums.counts.tolist() == [6, 0, 2]
    sigmoid = SeesawLoss(use_sigmoid=True)
    sigmoid(logits[:, :1], (labels == 2).long().masked_fill(labels == 255, 255))
    assert sigmoid.sums.counts.tolist() == [3, 1]


def test_equal_frequencies_and_no_mistakes_are_cross_entropy() -> None:
    loss = SeesawLoss(q=0.0).eval()
    torch.testing.assert_close(loss(LOGITS, LABELS), CrossEntropyLoss()(LOGITS, LABELS))


def test_a_rare_class_is_pressed_less() -> None:
    logits = torch.zeros(1, 2, 1, requires_grad=True)
    slopes = []
    for rare in (100.0, 1.0):
        value = seesaw_loss(logits, torch.tensor([[0]]), torch.tensor([100.0, rare]), p=1.0)
        slopes.append(torch.autograd.grad(value.sum(), logits)[0][0, 1, 0].item())
    assert slopes == pytest.approx([1 / 2, 0.01 / 1.01])


def test_an_ignored_pixel_leaves_no_trace_in_eqlv2() -> None:
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(1))
    first, second = EQLv2Loss(), EQLv2Loss()
    labels[:, 3] = 255
    first(logits, labels)
    second(torch.where((labels == 255).unsqueeze(1), 9.0, logits), labels)
    torch.testing.assert_close(first.sums.negative, second.sums.negative)
    assert first.sums.negative.min() > 0


@pytest.mark.parametrize("cls", [SeesawLoss, EQLv2Loss])
def test_a_resumed_training_goes_on(cls: Any, tmp_path: Path) -> None:
    rows = torch.arange(8) < 5
    whole, part = cls(), cls()
    for k in (3, 4):
        whole(k * LOGITS[rows], 0 * LABELS[rows] + k)
        part(k * LOGITS[rows], 0 * LABELS[rows] + k)
    torch.save(part.state_dict(), tmp_path / "state.pth")
    resumed = cls()
    resumed.load_state_dict(torch.load(tmp_path / "state.pth", weights_only=True))
    torch.testing.assert_close(resumed(3 * LOGITS, LABELS), whole(3 * LOGITS, LABELS))
    assert cls()(3 * LOGITS, LABELS) != whole.eval()(3 * LOGITS, LABELS)
    with pytest.raises(ValueError, match="sums over 5 classes were kept"):
        resumed(LOGITS[:, :3], LABELS % 3)


def _rank(rank: int, file: str, folder: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{file}", rank=rank, world_size=2
    )
    half = slice(4 * rank, 4 * rank + 4)
    for cls in (SeesawLoss, EQLv2Loss):
        loss = cls()
        loss(LOGITS[half], LABELS[half])
        torch.save(loss.state_dict(), Path(folder) / f"{cls.__name__}{rank}.pth")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_ranks_sum_up_what_they_see(tmp_path: Path) -> None:
    mp.spawn(_rank, (str(tmp_path / "meet"), str(tmp_path)), nprocs=2)
    for cls in (SeesawLoss, EQLv2Loss):
        alone = cls()
        alone(LOGITS, LABELS)
        for rank in range(2):
            state = torch.load(tmp_path / f"{cls.__name__}{rank}.pth", weights_only=True)
            for name, value in alone.state_dict().items():
                torch.testing.assert_close(state[name], value)


@pytest.mark.parametrize("cls", [SeesawLoss, EQLv2Loss])
def test_volumes_and_gradients(cls: Any) -> None:
    logits = torch.randn(1, 3, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (1, 2, 2, 3))
    options = {"q": 0.0} if cls is SeesawLoss else {}
    loss = cls(**options).eval()
    assert torch.autograd.gradcheck(lambda z: loss(z, labels), (logits,))
