from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    LevelSetLoss,
    LocalPairwiseLoss,
    PairwiseAffinityLoss,
    level_set_loss,
    local_pairwise_loss,
    pairwise_affinity_loss,
)
from tests.goldens.published import inputs

PROB, IMAGE, BOX = (inputs("misc")[key] for key in ("bs_mask", "bs_img", "bs_box"))
ALL = (PairwiseAffinityLoss, LocalPairwiseLoss, LevelSetLoss)


def _call(loss: nn.Module, pred: Tensor, labels: Tensor, image: Tensor) -> Tensor:
    with extra_inputs(image=image):
        return loss(pred, labels)


@pytest.mark.parametrize("cls", ALL)
def test_two_classes_in_a_volume_of_one_slice(cls: type[nn.Module]) -> None:
    labels = BOX[:, 0].long()
    value = _call(cls(), torch.logit(PROB), labels, IMAGE)
    # 26 neighbours of which 18 lie outside
    pair = torch.stack([torch.zeros_like(PROB[:, 0]), torch.logit(PROB)[:, 0]], 1).unsqueeze(2)
    volume = _call(cls(), pair, labels.unsqueeze(1), IMAGE.unsqueeze(2))
    torch.testing.assert_close(volume, value)


def test_colours_decide_which_pairs_agree() -> None:
    # two halves of different colour; a prediction that follows them is free
    image = torch.zeros(1, 3, 4, 8)
    image[..., 4:] = 50.0
    box = torch.ones(1, 4, 8, dtype=torch.long)
    follows = torch.where(torch.arange(8) < 4, 40.0, -40.0).expand(1, 1, 4, 8)
    crosses = follows.roll(2, -1)
    for cls in ALL:
        assert _call(cls(), follows, box, image).item() == pytest.approx(0.0, abs=1e-5)
        assert _call(cls(), crosses, box, image).item() > 0.05


@pytest.mark.parametrize("cls", ALL)
def test_ignored_pixels_do_not_matter(cls: type[nn.Module]) -> None:
    generator = torch.Generator().manual_seed(0)
    pred = torch.randn(2, 3, 6, 7, generator=generator)
    image = torch.randn(2, 3, 6, 7, generator=generator)
    labels = torch.randint(0, 3, (2, 6, 7), generator=generator)
    labels[:, 2] = 255
    leaf = pred.clone().requires_grad_()
    value = _call(cls(), leaf, labels, image)
    value.backward()
    noise = 5 * (labels == 255).unsqueeze(1)
    torch.testing.assert_close(_call(cls(), pred + noise, labels, image), value)
    assert leaf.grad is not None
    assert leaf.grad[:, :, 2].abs().max() == 0
    nothing = _call(cls(), leaf, torch.full_like(labels, 255), image)
    assert nothing.item() == 0.0
    assert nothing.requires_grad


@pytest.mark.parametrize("cls", ALL)
def test_stays_finite(cls: type[nn.Module]) -> None:
    for strength in (0.0, 40.0, 1e4):
        pred = (strength * torch.randn(1, 1, 5, 5)).sign() * strength
        leaf = pred.requires_grad_()
        value = _call(cls(), leaf, torch.ones(1, 5, 5, dtype=torch.long), torch.zeros(1, 3, 5, 5))
        value.backward()
        assert torch.isfinite(value)
        assert leaf.grad is not None
        assert torch.isfinite(leaf.grad).all()


def test_gradients() -> None:
    logits = torch.randn(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    image, inside = torch.randn(1, 3, 4, 5).double(), torch.rand(1, 1, 4, 5) > 0.3
    check = torch.autograd.gradcheck
    assert check(lambda z: pairwise_affinity_loss(z, image, inside), logits)
    assert check(lambda z: local_pairwise_loss(z.sigmoid(), image, inside), logits)
    assert check(lambda z: level_set_loss(z.sigmoid(), image), logits)


@pytest.mark.parametrize("cls", ALL)
def test_the_image_is_needed(cls: type[nn.Module]) -> None:
    with pytest.raises(ValueError, match="the image that the network saw"):
        cls()(torch.logit(PROB), BOX[:, 0].long())


@pytest.mark.parametrize("cls", ALL)
def test_crops_without_a_pair_have_a_graph(cls: type[nn.Module]) -> None:
    # smaller than the distance of neighbours
    for size in ((1, 1), (2, 2), (1, 9)):
        leaf = torch.randn(1, 1, *size, requires_grad=True)
        image, labels = torch.rand(1, 3, *size), torch.ones(1, *size, dtype=torch.long)
        value = _call(cls(), leaf, labels, image)
        value.backward()
        assert torch.isfinite(value)
        assert leaf.grad is not None


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("unknown", [float("nan"), float("inf")])
def test_the_image_may_be_anything_where_ignored(cls: type[nn.Module], unknown: float) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 6, 6, generator=generator)
    pred = torch.randn(1, 2, 6, 6, generator=generator, requires_grad=True)
    labels = torch.ones(1, 6, 6, dtype=torch.long)
    labels[:, 2:4, 3] = 255
    expected = _call(cls(), pred, labels, image)
    value = _call(cls(), pred, labels, image.masked_fill((labels == 255)[:, None], unknown))
    torch.testing.assert_close(value, expected)
    value.backward()
    assert torch.isfinite(pred.grad).all()
