"""Energies of images in which few pixels have a label: gated CRF and trees of colours."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor

from seglosses.extra_inputs import extra_inputs
from seglosses.laws import Subject, laws_of
from seglosses.laws.stand_ins import StandIn
from seglosses.losses import GatedCRFLoss, TreeEnergyLoss, gated_crf_loss, tree_energy_loss

WAVE = torch.arange(189.0).view(1, 3, 7, 9)
PROB, IMAGE = torch.sin(1.7 * WAVE).softmax(1), 0.5 + 0.5 * torch.cos(0.9 * WAVE)
BOTH: list[Any] = [GatedCRFLoss, TreeEnergyLoss]


@pytest.mark.parametrize(
    ("options", "columns", "published"),
    [
        ({}, 0, 3.6256711),
        ({"radius": 2, "sigma_space": 2.0, "sigma_colour": 0.5, "smoothness": 0.3}, 0, 5.2030816),
        ({"radius": 2, "sigma_space": 2.0, "sigma_colour": 0.5}, 3, 2.7793248),
    ],
)
def test_gated_crf_of_its_authors(options: Any, columns: int, published: float) -> None:
    # ModelLossSemsegGatedCRF of LEONOB2014/GatedCRFLoss at 9b57667, columns shut by both masks
    gate = torch.ones(1, 1, 7, 9)
    gate[..., :columns] = 0
    value = gated_crf_loss(PROB, IMAGE, gate=gate, **options).sum()
    assert value.item() == pytest.approx(published, rel=1e-6)


def slow_crf(prob: Tensor, image: Tensor, radius: int, s: float, t: float) -> float:
    size = prob.shape[2:]
    places = list(itertools.product(*map(range, size)))
    total = 0.0
    for i, j in itertools.permutations(places, 2):
        if max(abs(a - b) for a, b in zip(i, j, strict=True)) <= radius:
            far = sum((a - b) ** 2 for a, b in zip(i, j, strict=True))
            colour = (image[(0, slice(None), *i)] - image[(0, slice(None), *j)]).square().sum()
            like = torch.exp(-far / (2 * s * s) - colour / (2 * t * t))
            total += float(
                like * (1 - (prob[(0, slice(None), *i)] * prob[(0, slice(None), *j)]).sum())
            )
    return total / len(places)


@pytest.mark.parametrize("size", [(4, 5), (1, 6), (3, 1), (2, 3, 3)])
def test_gated_crf_agrees_with_all_pairs(size: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(1)
    prob = torch.randn(1, 2, *size, generator=generator).double().softmax(1)
    image = torch.rand(1, 2, *size, generator=generator).double()
    value = gated_crf_loss(prob, image, radius=2, sigma_space=1.5, sigma_colour=0.4).sum()
    assert value.item() == pytest.approx(slow_crf(prob, image, 2, 1.5, 0.4), rel=1e-9)


def slow_means(prob: np.ndarray, image: np.ndarray, sigma: float) -> np.ndarray:
    """Every pixel's walk through SciPy's spanning tree."""
    size = image.shape[1:]
    count = int(np.prod(size))
    number = np.arange(count).reshape(size)
    flat = image.reshape(len(image), count)
    graph = np.zeros((count, count))
    for axis in range(len(size)):
        low = np.take(number, range(size[axis] - 1), axis).ravel()
        high = np.take(number, range(1, size[axis]), axis).ravel()
        graph[low, high] = 1 + np.square(flat[:, low] - flat[:, high]).sum(0)
    tree = minimum_spanning_tree(csr_matrix(graph)).toarray()
    tree = np.maximum(tree, tree.T)
    means = np.zeros((len(prob), count))
    for start in range(count):
        reach, queue = {start: 1.0}, deque([start])
        while queue:
            node = queue.popleft()
            for other in np.flatnonzero(tree[node]):
                if other not in reach:
                    reach[other] = reach[node] * np.exp(-(tree[node, other] - 1) / sigma)
                    queue.append(other)
        weights = np.array([reach[node] for node in range(count)])
        means[:, start] = prob.reshape(len(prob), count) @ weights / weights.sum()
    return means.reshape(prob.shape)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([(4, 5), (1, 6), (6, 1), (1, 1), (2, 3, 3)]), st.integers(0, 99))
def test_trees_agree_with_scipy(size: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    prob, image = rng.random((1, 3, *size)), rng.random((1, 2, *size))
    value = tree_energy_loss(torch.from_numpy(prob), torch.from_numpy(image), sigma=0.3)
    expected = np.abs(prob[0] - slow_means(prob[0], image[0], 0.3)).reshape(3, -1).mean(1)
    np.testing.assert_allclose(value[0], expected, atol=1e-12)


def test_two_trees_follow_each_other() -> None:
    prob = torch.tensor([[[[1.0, 0.0, 0.0, 0.0]]]])
    image = torch.tensor([[[[0.0, 0.0, 9.0, 9.0]]]])
    features = torch.tensor([[[[0.0, 99.0, 99.0, 0.0]]]])
    # the image makes 1/2 1/2 0 0 of it, features the mean of the two in the middle
    value = tree_energy_loss(prob, image, features=features)
    assert value.item() == pytest.approx((0.5 + 0.25 + 0.25 + 0.0) / 4)
    logits = torch.stack([prob[:, 0], 1 - prob[:, 0]], 1).log().clamp(min=-99)
    with extra_inputs(image=image, features=features):
        found = TreeEnergyLoss(high_level=True)(logits, torch.zeros(1, 1, 4, dtype=torch.long))
    assert found.item() == pytest.approx(2 * value.item())


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("size", [(3, 4), (2, 2, 3)])
def test_gradients(cls: Any, size: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(1, 3, *size, generator=generator, dtype=torch.float64)
    labels = torch.full((1, *size), 255)
    labels[0, 0] = 254
    image = torch.rand(1, 2, *size, generator=generator)
    loss = cls(ignore_index=254)
    with extra_inputs(image=image):
        assert torch.autograd.gradcheck(lambda z: loss(z, labels), (logits.requires_grad_(),))


def test_the_gradient_of_weights_along_two_trees() -> None:
    generator = torch.Generator().manual_seed(3)
    prob = torch.rand(2, 3, 3, 4, generator=generator, dtype=torch.float64)
    image, features = torch.rand(2, 2, 2, 3, 4, generator=generator)
    weight = torch.rand(2, 1, 3, 4, generator=generator, dtype=torch.float64)

    def loss(p: Tensor, w: Tensor) -> Tensor:
        return tree_energy_loss(p, image, weight=w, sigma=0.5, features=features)

    assert torch.autograd.gradcheck(loss, (prob.requires_grad_(), weight.requires_grad_()))


@pytest.mark.parametrize("cls", BOTH)
def test_pixels_without_a_label_count(cls: Any) -> None:
    logits = PROB.log().requires_grad_()
    scribble = torch.full((1, 7, 9), 255)
    scribble[0, 3, 2:6] = 1
    with extra_inputs(image=IMAGE):
        # a head ignores 255, and hands that over
        value = cls()(logits, scribble, ignore_index=255)
        torch.testing.assert_close(value, cls()(logits, torch.zeros_like(scribble)))
        few = cls(unlabelled=None)(logits, scribble)
        assert few != value
        (slope,) = torch.autograd.grad(few, logits)
    assert not slope[:, :, scribble[0] == 255].any()


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize(
    "law",
    [
        "ignored_pixels_do_not_matter",
        "all_ignored_is_a_zero_with_a_graph",
        "one_valid_pixel_is_enough",
    ],
)
def test_laws_of_ignored_pixels_hold_where_none_is_unlabelled(cls: Any, law: str) -> None:
    if cls is TreeEnergyLoss and law == "ignored_pixels_do_not_matter":
        pytest.skip("ignored pixels carry labels on, as those of weight 0 do")
    loss = cls(unlabelled=None)
    subject = Subject("crf", "segmentation", StandIn(loss), channels=3, weighted=True)
    laws_of(subject)[law](subject)


@pytest.mark.parametrize("cls", BOTH)
def test_one_channel_is_two_classes(cls: Any) -> None:
    logits = PROB.log()[:, :1]
    labels = torch.zeros(1, 7, 9, dtype=torch.long)
    with extra_inputs(image=IMAGE):
        two = cls()(torch.cat([torch.zeros_like(logits), logits], 1), labels)
        torch.testing.assert_close(cls()(logits, labels), two)


@pytest.mark.parametrize("cls", BOTH)
def test_errors(cls: Any) -> None:
    labels = torch.zeros(1, 7, 9, dtype=torch.long)
    with pytest.raises(ValueError, match="needs the image"):
        cls()(PROB, labels)
    with pytest.raises(ValueError, match="unlabelled must be a whole number"):
        cls(unlabelled=2.5)
    for name in ("GatedCRFLoss.radius", "GatedCRFLoss.sigma_colour", "TreeEnergyLoss.sigma"):
        owner, option = name.split(".")
        if owner == cls.__name__:
            with pytest.raises(ValueError, match=option):
                cls(**{option: 0})
