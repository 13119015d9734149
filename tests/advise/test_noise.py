"""What is noise in labels, or only small, is neither counted nor called rare."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from seglosses.advise.kinds import is_noisy, noise
from seglosses.advise.proposal import propose
from seglosses.metrics.shapes import measure
from tests.advise.made import cells, empty, errors, judged, losses, net, profile


def test_noise_is_not_counted_as_structure() -> None:
    def random(index: int) -> NDArray[np.uint8]:
        return (np.random.default_rng(index).random((96, 96)) < 0.5).astype(np.uint8)

    def salt(index: int) -> NDArray[np.uint8]:
        return (np.random.default_rng(index).random((96, 96)) < 0.01).astype(np.uint8)

    for made, refused in ((random, ("thin", "structured")), (salt, ("rare",))):
        found = propose(profile(made))
        assert [term.loss for term in found.terms] == ["CrossEntropyLoss", "DiceLoss"]
        said = {one.rule.name: one.verdict.because for one in found.considered}
        for name in refused:
            assert "what would be counted is noise" in said[name]
        assert judged(profile(made))["speckled"]


@pytest.mark.parametrize("size", [1, 6])
def test_what_fills_the_image_is_not_rare(size: int) -> None:
    found = profile(lambda _: np.ones((size, size), np.uint8))
    assert not judged(found)["rare"]
    assert losses(found) == ["CrossEntropyLoss", "DiceLoss"]


def test_small_components_of_a_tenth_of_the_pixels_are_not_rare() -> None:
    def dots(index: int, step: int = 8) -> NDArray[np.uint8]:
        labels = empty()
        for y in range(2 + index % 3, 88, step):
            for x in range(2, 88, step):
                labels[y : y + 4, x : x + 4] = 1
        return labels

    assert profile(dots).classes[0].size() == 16
    assert not judged(profile(dots))["rare"]
    assert judged(profile(lambda index: dots(index, 16)))["rare"]


def test_a_speck_is_one_pixel() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1, 1] = mask[4, 4] = mask[7, 1:3] = True
    found = measure(mask, mask.size)
    assert (found.components, found.specks) == (3, 2)


def test_single_pixels_of_noise_make_no_class_rare() -> None:
    def speckled(index: int) -> NDArray[np.uint8]:
        labels = cells(index, gap=14)
        labels[1:95:6, 1:95:6] |= 1
        return labels

    found = profile(speckled)
    assert judged(found)["speckled"]
    assert found.classes[0].size() == 1
    assert not judged(found)["rare"]


def test_crowds_of_single_pixels_are_not_counted() -> None:
    def crowd(index: int) -> NDArray[np.uint8]:
        labels = cells(index, gap=14)
        labels[1:95:6, 1:95:6] |= 1
        return labels

    found = propose(profile(crowd))
    said = {one.rule.name: one.verdict for one in found.considered}["crowded"]
    assert not said.fires
    assert "what would be counted is noise" in said.because
    assert "BettiMatchingLoss" not in [term.loss for term in found.terms]


def pierced(index: int) -> NDArray[np.uint8]:
    """A grid of lines 5 px wide with holes of one pixel along their middle."""
    labels = empty()
    for at in range(8, 90, 24 + index % 3):
        labels[at : at + 5] = 1
        labels[:, at : at + 5] = 1
    for at in range(8, 90, 24 + index % 3):
        labels[at + 2, 1:95:4] = 0
    return labels


def test_cavities_of_a_voxel_are_a_share_of_all_cavities() -> None:
    """Not of components and loops alone, of which they would be 200 %."""

    def bar(*sizes: int) -> NDArray[np.uint8]:
        labels = np.zeros((9, 9, 96), np.uint8)
        labels[3:6, 3:6, 4:92] = 1
        for at, size in enumerate(sizes):
            labels[4, 4, 8 + 10 * at : 8 + 10 * at + size] = 0
        return labels

    (pinholes,) = profile(lambda _: bar(1, 1)).classes
    (mixed,) = profile(lambda _: bar(1, 2, 2, 2)).classes
    assert noise(pinholes) == 2 / 3
    assert noise(mixed) == 1 / 5
    assert (is_noisy(pinholes), is_noisy(mixed)) == (True, False)


@pytest.mark.parametrize("known", [{}, {"breaks": 9.0}])
def test_a_noisy_class_does_not_speak_for_a_clean_one(known: dict[str, float]) -> None:
    def both(index: int) -> NDArray[np.uint8]:
        return np.concatenate([net(index), 2 * pierced(index)], axis=1)

    rows = {index: [errors(known)] * 12 for index in (1, 2)} if known else {}
    assert (
        "noise"
        in {one.rule.name: one.verdict.because for one in propose(profile(pierced)).considered}[
            "structured"
        ]
    )
    (late,) = [
        term
        for term in propose(profile(both, 3, errors=rows)).terms
        if term.loss == "BettiMatchingLoss"
    ]
    assert late.options["classes"] == [1]
