"""Contrast across a batch, with memory and centres, against the authors' programs and by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn import functional as F

from seglosses.extra_inputs import extra_inputs, extra_map, extra_vectors
from seglosses.losses import (
    CentreContrastLoss,
    InfoNCELoss,
    MixtureContrastLoss,
    PixelContrastLoss,
    centre_contrast_loss,
    pixel_contrast_loss,
)

ALL: list[Any] = [PixelContrastLoss, MixtureContrastLoss, CentreContrastLoss]


def maps(seed: int = 0, size: tuple[int, ...] = (6, 8), images: int = 2) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (images, *size), generator=generator)
    features = torch.randn(images, 4, *size, generator=generator)
    return torch.zeros(images, 3, *size), labels, features


def test_pixels_of_other_images_are_compared() -> None:
    logits, labels, features = maps()
    rows = features.flatten(2).transpose(1, 2).reshape(-1, 4)
    each = pixel_contrast_loss(rows, labels.flatten()).view(2, -1).mean(1)
    with extra_inputs(features=features):
        found = PixelContrastLoss(reduction="none")(logits, labels)
    torch.testing.assert_close(found, each)
    # one image does not see the other
    alone = pixel_contrast_loss(rows[:48], labels[0].flatten()).mean()
    assert abs(alone - each[0]) > 0.01


def test_the_memory_holds_earlier_batches_and_is_bounded() -> None:
    logits, labels, features = maps()
    later = maps(1)
    loss = PixelContrastLoss(memory=3, update=2)
    plain = PixelContrastLoss(memory=0)
    with extra_inputs(features=features):
        assert loss(logits, labels) == plain(logits, labels)
    first = [F.normalize(features.movedim(1, -1)[labels == c], dim=1) for c in range(3)]
    for c in range(3):
        spread = first[c][torch.arange(2) * len(first[c]) // 2]
        # places are spread over the list of pixels, image by image
        assert loss.bank.held[c] == 2
        torch.testing.assert_close(loss.bank.vectors[c, :2], spread)
    with extra_inputs(features=later[2]):
        found, without = loss.eval()(later[0], later[1]), plain(later[0], later[1])
        bank = loss.bank.vectors[:, :2].reshape(-1, 4)
        rows = later[2].flatten(2).transpose(1, 2).reshape(-1, 4)
        classes = torch.tensor([0, 0, 1, 1, 2, 2])
        expected = pixel_contrast_loss(rows, later[1].flatten(), bank, classes).mean()
        torch.testing.assert_close(found, expected)
        assert found != without
        assert loss.bank.held.tolist() == [2, 2, 2]  # outside of training it stays
        loss.train()(later[0], later[1])
    assert loss.bank.held.tolist() == [3, 3, 3]
    # the newest in front, and one of the first batch behind
    torch.testing.assert_close(loss.bank.vectors[0, 2], bank[0])


def test_a_class_absent_for_long_is_compared_by_the_memory() -> None:
    logits, labels, features = maps()
    only = torch.zeros_like(labels)
    loss = PixelContrastLoss()
    with extra_inputs(features=features):
        assert PixelContrastLoss()(logits, only) == 0  # nothing to be told from
        loss(logits, labels)
        assert loss(logits, only) > 0


def test_centres_move_and_only_by_the_source() -> None:
    features = torch.tensor([[[[4.0, 0.0]], [[0.0, 2.0]]], [[[8.0, 0.0]], [[8.0, 6.0]]]])
    labels, logits = torch.tensor([[[0, 1]], [[0, 1]]]), torch.zeros(2, 2, 1, 2)
    loss = CentreContrastLoss(temperature=1.0, momentum=0.75, reduction="none")
    with extra_inputs(features=features, source=torch.tensor([1, 0])):
        found = loss(logits, labels)
        assert loss.centres.means.tolist() == [[4, 0], [0, 2]]
        # the second image: (8, 8) stands between both centres, (0, 6) on its own
        expected = [math.log(1 + 1 / math.e), (math.log(2) + math.log(1 + 1 / math.e)) / 2]
        assert found.tolist() == pytest.approx(expected)
    with extra_inputs(features=features.flip(0), source=torch.tensor([1, 0])):
        loss(logits, labels)
    # 3/4 of the old and 1/4 of the new
    assert loss.centres.means.tolist() == [[5, 2], [0, 3]]
    with (
        extra_inputs(features=features, source=torch.ones(3)),
        pytest.raises(ValueError, match=r"got \(3,\) for which images are of the source"),
    ):
        loss(logits, labels)


def test_a_class_without_a_centre_takes_its_mean() -> None:
    logits, labels, features = maps()
    loss = CentreContrastLoss()
    with extra_inputs(features=features):
        loss(logits, labels.clamp(max=1))
        assert loss.centres.known.tolist() == [1, 1, 0]
        before = loss.centres.means.clone()
        value = loss.eval()(logits, labels)
    means = before.clone()
    means[2] = features.movedim(1, -1)[labels == 2].mean(0)
    rows = features.flatten(2).transpose(1, 2).reshape(-1, 4)
    torch.testing.assert_close(value, centre_contrast_loss(rows, labels.flatten(), means).mean())
    torch.testing.assert_close(loss.centres.means, before)


@pytest.mark.parametrize("cls", ALL)
def test_ignored_pixels_are_not_there(cls: Any) -> None:
    logits, labels, features = maps()
    ignored = labels.clone()
    ignored[:, 3:] = 255
    weight = (ignored != 255).float()
    broken = features.clone()
    broken[:, :, 3:] = torch.nan
    broken.requires_grad_()
    with extra_inputs(features=features[:, :, :3]):
        expected = cls()(logits[:, :, :3], labels[:, :3])
    with extra_inputs(features=broken):
        value = cls()(logits, ignored)
        value.backward()
        torch.testing.assert_close(cls()(logits, labels, weight=weight), value)
        with pytest.raises(ValueError, match="must be 0 or 1"):
            cls()(logits, labels, weight=weight / 2)
        assert cls()(logits, torch.full_like(labels, 255)) == 0
    torch.testing.assert_close(value, expected)
    assert torch.isfinite(broken.grad).all()
    assert not broken.grad[:, :, 3:].any()


@pytest.mark.parametrize("cls", ALL)
def test_channels_that_are_independent_are_two_classes_each(cls: Any) -> None:
    logits, labels, features = maps()
    hot = torch.stack([labels == 1, labels >= 1], 1).float()
    with extra_inputs(features=features):
        pair = cls(use_sigmoid=True)(logits[:, :2], hot)
        each = [cls()(logits[:, :1], hot[:, k].long()) for k in range(2)]
        two = [cls()(logits[:, :2], hot[:, k].long()) for k in range(2)]
        # a dense target is a label where one class has more than half
        torch.testing.assert_close(
            cls()(logits, F.one_hot(labels, 3).movedim(-1, 1) * 0.8), cls()(logits, labels)
        )
    torch.testing.assert_close(pair, sum(each) / 2)
    torch.testing.assert_close(each, two)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("size", [(4, 5), (2, 3, 4)])
def test_gradients(cls: Any, size: tuple[int, ...]) -> None:
    logits, labels, features = maps(size=size)
    loss, other = cls(temperature=0.5), maps(3, size)
    with extra_inputs(features=other[2].double()):
        loss(other[0].double(), other[1])
    loss.eval()

    def value(given: Tensor) -> Tensor:
        with extra_inputs(features=given):
            return loss(logits.double(), labels)

    coarse = features[(..., *(slice(None, None, 2),) * len(size))].double()
    assert torch.autograd.gradcheck(value, (features.double().requires_grad_(),))
    assert torch.autograd.gradcheck(value, (coarse.requires_grad_(),))


@pytest.mark.parametrize("size", [(7, 9), (5, 6, 7)])
def test_vectors_are_those_of_whole_maps(size: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    for small in (size, tuple((n + 2) // 3 for n in size), tuple(2 * n for n in size)):
        features = torch.randn(2, 3, *small, generator=generator)
        places = torch.arange(math.prod(size)).expand(2, -1).flip(1)
        with extra_inputs(features=features):
            whole = extra_map("features", "T", 2, size).flatten(2).transpose(1, 2)
            found = extra_vectors("features", "T", size, places)
        torch.testing.assert_close(found, whole.flip(1), atol=1e-5, rtol=1e-5)


def test_many_pixels_are_sampled_of_all_classes_alike() -> None:
    labels = torch.zeros(1, 64, 64, dtype=torch.long)
    labels[0, 0, :8], labels[0, 5, 5] = 1, 2
    loss = PixelContrastLoss(samples=64)
    asked: list[Tensor] = []
    inner = loss._chosen
    loss._chosen = lambda *each: asked.append(inner(*each)[1]) or inner(*each)
    with extra_inputs(features=torch.randn(1, 4, 16, 16)):
        loss(torch.zeros(1, 3, 64, 64), labels)
    assert len(asked[0]) == 64
    # 100 of class 0, 8 and 1 of the others, of which every second or so is taken
    assert (asked[0] == 1).sum() >= 4
    assert (asked[0] == 0).sum() >= 58


def test_infonce_may_be_decoupled() -> None:
    labels = torch.tensor([[[1, 1, 0, 0]]])
    features = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]).view(1, 2, 1, 4)
    with extra_inputs(features=features):
        found = InfoNCELoss(temperature=1.0, decoupled=True)(torch.zeros(1, 2, 1, 4), labels)
    # log(2 e^0) - 1
    assert found.item() == pytest.approx(math.log(2) - 1)


@pytest.mark.parametrize("cls", ALL)
def test_a_network_learns_clusters(cls: Any) -> None:
    torch.manual_seed(0)
    network = nn.Conv2d(2, 4, 3, padding=1)
    labels = torch.zeros(2, 12, 12, dtype=torch.long)
    labels[:, 3:8, 2:6], labels[:, 6:11, 7:11] = 1, 2
    image = torch.stack([(labels == 1).float(), (labels == 2).float()], 1)
    image = image + 0.5 * torch.randn(image.shape)
    loss, values = cls(), []
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(20):
        features = network(image)
        with extra_inputs(features=features):
            value = loss(features[:, :3], labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]


@pytest.mark.parametrize("cls", ALL)
def test_a_resumed_training_goes_on(cls: Any, tmp_path: Path) -> None:
    logits, labels, features = maps()
    whole, later = cls(), maps(5)
    with extra_inputs(features=features):
        whole(logits, labels)
    torch.save(whole.state_dict(), tmp_path / "state.pth")
    resumed = cls()
    resumed.load_state_dict(torch.load(tmp_path / "state.pth", weights_only=True))
    with extra_inputs(features=later[2]):
        value = whole.eval()(later[0], later[1])
        assert resumed.eval()(later[0], later[1]) == value
        assert cls().eval()(later[0], later[1]) != value
        with pytest.raises(ValueError, match="give every head a loss of its own"):
            resumed(later[0][:, :2], later[1].clamp(max=1))


def _rank(rank: int, file: str, folder: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{file}", rank=rank, world_size=2
    )
    logits, labels, features = maps()
    mine = slice(rank, rank + 1)
    for cls in ALL:
        loss = cls()
        with extra_inputs(features=features[mine]):
            loss(logits[mine], labels[mine])
        torch.save(loss.state_dict(), Path(folder) / f"{cls.__name__}{rank}.pth")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_ranks_remember_the_same(tmp_path: Path) -> None:
    mp.spawn(_rank, (str(tmp_path / "meet"), str(tmp_path)), nprocs=2)
    _, labels, features = maps()
    centres = [features.movedim(1, -1)[labels == c].mean(0) for c in range(3)]
    for rank in range(2):
        kept = torch.load(tmp_path / f"CentreContrastLoss{rank}.pth", weights_only=True)
        torch.testing.assert_close(kept["centres.means"], torch.stack(centres))
    one, two = (
        torch.load(tmp_path / f"PixelContrastLoss{k}.pth", weights_only=True) for k in range(2)
    )
    torch.testing.assert_close(one, two)
    # up to 16 of each class of either rank
    expected = [sum(min(int((labels[k] == c).sum()), 16) for k in range(2)) for c in range(3)]
    assert one["bank.held"].tolist() == expected


@pytest.mark.parametrize("cls", ALL)
def test_borders(cls: Any) -> None:
    logits, labels, features = maps()
    with pytest.raises(ValueError, match="weighs none: drop class_weight"):
        cls(class_weight=[1.0, 2.0, 3.0])
    with (
        extra_inputs(features=features),
        pytest.raises(ValueError, match="trains the network through one feature vector"),
    ):
        cls()(logits.requires_grad_(), labels)
    with pytest.raises(ValueError, match="needs one feature vector per pixel"):
        cls()(logits, labels)
    with pytest.raises(ValueError, match="denominator must be 'pair', 'all' or 'negatives'"):
        PixelContrastLoss(denominator="none")
