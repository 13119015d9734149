"""Synthetic photographs of brick walls with exact mortar masks and known Betti numbers.

A seed, a size and a group say everything about a sample. Geometry, appearance and label errors
draw from separate streams of that seed, so a change of one leaves the others as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seglosses.datasets import scenes
from seglosses.datasets.appearance import draw_materials, photograph, render
from seglosses.datasets.corruption import noisy_label, pseudo_label
from seglosses.datasets.geometry import build_wall
from seglosses.datasets.topomortar import GROUPS
from seglosses.datasets.walls import break_joints, cover

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BROKEN = 0.25
"""Share of the walls in which a few mortar joints are broken."""


@dataclass(frozen=True)
class BrickSample:
    """A generated photograph with its labels.

    Attributes:
        image: RGB, (H, W, 3), 8 bit.
        mask: The mortar, (H, W); False behind opaque things.
        betti: Betti numbers (b0, b1) of the mask: 8-connected mortar, 4-connected background.
        group: One of :data:`GROUPS`.
        seed: What it was made from.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    betti: tuple[int, int]
    group: str
    seed: int

    def noisy(self) -> NDArray[np.bool_]:
        """The label of a hasty annotator, see :func:`seglosses.datasets.corruption.noisy_label`.

        Returns:
            A mask of the same shape; the same one every time.

        Example:
            >>> sample = brick_sample(64, seed=0)
            >>> sample.noisy().shape, bool((sample.noisy() != sample.mask).any())
            ((64, 64), True)
        """
        return noisy_label(self.mask, _stream(self.seed, 2))

    def pseudo(self) -> NDArray[np.bool_]:
        """The label of a weak model, see :func:`seglosses.datasets.corruption.pseudo_label`.

        Returns:
            A mask of the same shape; the same one every time.

        Example:
            >>> sample = brick_sample(64, seed=0)
            >>> sample.pseudo().shape, bool((sample.pseudo() != sample.mask).any())
            ((64, 64), True)
        """
        return pseudo_label(self.image, self.mask, _stream(self.seed, 3))


def _stream(seed: int, part: int) -> np.random.Generator:
    return np.random.default_rng([seed, part])


def brick_sample(
    size: int | tuple[int, int], seed: int, group: str = "indistr", *, broken: int | None = None
) -> BrickSample:
    """Generate a photograph of a brick wall.

    Args:
        size: Side, or height and width, in pixels; 16 at least, 64 to 1024 look like photographs.
        seed: Non-negative; the same seed, size and group give the same bits.
        group: One of :data:`GROUPS`.
        broken: How many mortar joints to break; a few in every fourth wall when None.

    Returns:
        The sample.

    Raises:
        ValueError: For an unknown group, a negative seed or an image below 16 pixels.

    Example:
        >>> sample = brick_sample(64, seed=0)
        >>> sample.image.shape, sample.mask.shape, len(sample.betti)
        ((64, 64, 3), (64, 64), 2)
    """
    if group not in GROUPS:
        raise ValueError(f"expected a group among {', '.join(GROUPS)}, got {group!r}")
    if seed < 0:
        raise ValueError(f"expected a seed of 0 or more, got {seed}")
    shape = (size, size) if isinstance(size, int) else size
    geometry, appearance = _stream(seed, 0), _stream(seed, 1)

    wall = build_wall(shape, geometry, oblique=group == "angles")
    if broken is None:
        broken = int(geometry.integers(1, 5)) if geometry.random() < _BROKEN else 0
    wall = break_joints(wall, broken, geometry)

    scene = render(wall, draw_materials(appearance, foreign=group == "colors"), appearance)
    if group == "objects":
        scene, region = scenes.objects(scene, appearance)
        wall = cover(wall, region)
    elif group in ("graffiti", "shadows", "occlusion"):
        scene = getattr(scenes, group)(scene, appearance)
    image = photograph(scene, wall.scale, appearance)
    return BrickSample(image, wall.mask, wall.betti, group, seed)
