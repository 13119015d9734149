"""Made-up label maps and their profiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from seglosses.advise.profile import ClassProfile, Files, Profile
from seglosses.advise.proposal import propose
from seglosses.metrics.error_kinds import KINDS, PIXELS
from seglosses.metrics.shapes import measure

Maker = Callable[[int], NDArray[np.integer]]


def profile(
    make: Maker,
    classes: int = 2,
    images: int = 12,
    spacing: tuple[float, ...] | None = None,
    **known: object,
) -> Profile:
    """The profile of made-up label maps."""
    maps = [np.asarray(make(index)) for index in range(images)]
    measured = []
    for index in range(1, classes):
        shapes = [measure(labels == index, labels.size) for labels in maps]
        measured.append(ClassProfile(index, f"c{index}", shapes))
    return Profile(
        ndim=maps[0].ndim,
        images=images,
        found=images,
        shape=maps[0].shape,
        files=Files(spacing=spacing),
        ignored=0.0,
        classes=tuple(measured),
        num_classes=classes,
        **known,  # type: ignore[arg-type]
    )


def empty(size: int = 96) -> NDArray[np.uint8]:
    return np.zeros((size, size), np.uint8)


def net(index: int) -> NDArray[np.uint8]:
    """A grid of lines 3 px wide: one component, loops by number."""
    labels = empty()
    for at in range(8, 96, 16 + index % 3):
        labels[at : at + 3] = 1
        labels[:, at : at + 3] = 1
    return labels


def ladder(index: int, apart: int = 150) -> NDArray[np.uint8]:
    """Two rails 3 px wide with five rungs: one component, four loops."""
    labels = np.zeros((24, 4 * apart + 16), np.uint8)
    for rail in (3 + index % 3, 16):
        labels[rail : rail + 3, 4 : 4 * apart + 7] = 1
    for at in range(4, 4 * apart + 5, apart):
        labels[3 + index % 3 : 17, at : at + 3] = 1
    return labels


def tree(index: int) -> NDArray[np.uint8]:
    """A trunk 3 px wide with two to four branches, and one or two twigs beside it: no loop."""
    labels = empty()
    labels[46:49, 4:92] = 1
    for at in range(12, 12 + 18 * (2 + index % 3), 18):
        labels[8:46, at : at + 3] = 1
    for at in (60, 75)[: 1 + index % 2]:
        labels[at : at + 3, 10:80] = 1
    return labels


def line(index: int) -> NDArray[np.uint8]:
    labels = empty()
    labels[20 + index : 23 + index, 4:92] = 1
    return labels


def disc(
    radius: float, centre: tuple[float, float] = (48, 48), size: int = 96
) -> NDArray[np.bool_]:
    y, x = np.indices((size, size))
    return np.asarray((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2)


def organ(index: int) -> NDArray[np.uint8]:
    return disc(28 + index % 4).astype(np.uint8)


def ring(index: int) -> NDArray[np.uint8]:
    return (disc(30 + index % 4) & ~disc(20)).astype(np.uint8)


def cells(index: int, gap: int = 2) -> NDArray[np.uint8]:
    labels = empty()
    step = 10 + gap
    for y in range(2 + index % 3, 84, step):
        for x in range(2, 84, step):
            labels[y : y + 10, x : x + 10] = 1
    return labels


def lesion(index: int) -> NDArray[np.uint8]:
    return disc(3, (20 + index, 40)).astype(np.uint8)


def sometimes(index: int) -> NDArray[np.uint8]:
    return organ(index) if index % 4 == 0 else empty()


def specks(index: int) -> NDArray[np.uint8]:
    labels = organ(index)
    labels[2:14:3, 2:14:3] = 1
    return labels


def skewed(index: int) -> NDArray[np.uint8]:
    labels = organ(index)
    labels[2:5, 2:5] = 2
    return labels


def uneven(index: int) -> NDArray[np.uint8]:
    labels = empty(200)
    for at in range(10, 100, 6):
        labels[at : at + 2, 5:195] = 1
    labels[130:146, 5:195] = 1
    return labels


def errors(kinds: dict[str, float]) -> dict[str, float]:
    return {**dict.fromkeys((*KINDS, *PIXELS, "missed_small"), 0.0), "rim": 1.0, **kinds}


def judged(found: Profile) -> dict[str, bool]:
    return {one.rule.name: one.verdict.fires for one in propose(found).considered}


def losses(found: Profile) -> list[str]:
    return [term.loss for term in propose(found).terms]
