"""What a wall looks like: materials, relief, weather and light.

Colours are linear mixtures of RGB in [0, 1]. The constants imitate TopoMortar's training
photographs: mortar lighter than brick (mean red 0.77 against 0.67), bricks that differ by a few
hundredths, grain stronger on mortar than on brick.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from seglosses.datasets.noise import fractal_noise, smooth_noise
from seglosses.datasets.walls import Wall

Image = NDArray[np.float64]
Colour = tuple[float, float, float]

_FOREIGN_BRICKS = (
    # hue, saturation and value, least and greatest: cream, grey, white paint, anthracite, violet
    # brown, painted green or blue.
    ((0.10, 0.15), (0.15, 0.40), (0.68, 0.86)),
    ((0.05, 0.65), (0.00, 0.08), (0.42, 0.70)),
    ((0.08, 0.16), (0.00, 0.08), (0.82, 0.94)),
    ((0.55, 0.70), (0.02, 0.14), (0.14, 0.30)),
    ((0.86, 0.98), (0.15, 0.35), (0.30, 0.50)),
    ((0.25, 0.62), (0.20, 0.50), (0.35, 0.65)),
)


@dataclass(frozen=True)
class Materials:
    """Colours and roughness of brick and mortar.

    Attributes:
        brick: Mean colour of the bricks.
        mortar: Mean colour of the mortar.
        spread: How much the lightness of bricks varies.
        burnt: Share of bricks that are much darker.
        texture: Strength of the pattern inside a brick.
        grain: Strength of the grain of the mortar.
    """

    brick: Colour
    mortar: Colour
    spread: float
    burnt: float
    texture: float
    grain: float


def _between(rng: np.random.Generator, *bounds: tuple[float, float]) -> Colour:
    hue, saturation, value = (float(rng.uniform(*bound)) for bound in bounds)
    return colorsys.hsv_to_rgb(hue, saturation, value)


def draw_materials(rng: np.random.Generator, *, foreign: bool = False) -> Materials:
    """Draw the materials of a wall.

    Args:
        rng: Source of randomness.
        foreign: Colours that the training set does not show, as in TopoMortar's group ``colors``.

    Returns:
        The materials; brick and mortar always differ in lightness.

    Example:
        >>> materials = draw_materials(np.random.default_rng(0))
        >>> materials.brick[0] > materials.brick[2]  # red rather than blue
        True
    """
    if foreign:
        brick = _between(rng, *_FOREIGN_BRICKS[rng.integers(len(_FOREIGN_BRICKS))])
        lightness = float(rng.uniform(0.25, 0.92))
        if abs(lightness - sum(brick) / 3) < 0.17:
            lightness = sum(brick) / 3 + (0.22 if sum(brick) / 3 < 0.5 else -0.22)
        mortar = _between(rng, (0.05, 0.6), (0.0, 0.08), (lightness, lightness))
    else:
        brick = _between(rng, (0.015, 0.065), (0.42, 0.66), (0.54, 0.76))
        mortar = _between(rng, (0.05, 0.11), (0.06, 0.2), (0.68, 0.93))
    return Materials(
        brick=brick,
        mortar=mortar,
        spread=float(np.clip(rng.lognormal(-3.1, 0.5), 0.02, 0.12)),
        burnt=float(rng.uniform(0.05, 0.3)) if rng.random() < 0.2 else 0.0,
        texture=float(np.clip(rng.lognormal(-2.5, 0.4), 0.03, 0.2)),
        grain=float(rng.uniform(0.03, 0.08)),
    )


def _brick_colours(wall: Wall, materials: Materials, rng: np.random.Generator) -> Image:
    """One colour a brick number, (n + 1, 3)."""
    count = int(wall.bricks.max(initial=0)) + 1
    lightness = rng.normal(0.0, materials.spread, (count, 1))
    tint = rng.normal(0.0, materials.spread * 0.16, (count, 3))
    burnt = np.where(
        rng.random((count, 1)) < materials.burnt, rng.uniform(0.35, 0.7, (count, 1)), 1
    )
    grey = np.mean(materials.brick)
    # Burnt bricks are not only darker but also greyer.
    colour = grey + (np.asarray(materials.brick) - grey) * np.where(burnt < 1, 0.45, 1.0)
    mixed: Image = (colour + lightness + tint) * burnt
    return mixed


def _grain(shape: tuple[int, int], width: float, rng: np.random.Generator) -> Image:
    """Noise of standard deviation 1 whose grains are about ``width`` pixels wide."""
    grain: Image = gaussian_filter(rng.standard_normal(shape), width)
    grain /= grain.std()
    return grain


def render(wall: Wall, materials: Materials, rng: np.random.Generator) -> Image:
    """Paint a wall in even light.

    Args:
        wall: The wall.
        materials: Its materials.
        rng: Source of randomness.

    Returns:
        Image, (H, W, 3), about [0, 1].

    Example:
        >>> from seglosses.datasets.geometry import build_wall
        >>> rng = np.random.default_rng(0)
        >>> render(build_wall((32, 48), rng), draw_materials(rng), rng).shape
        (32, 48, 3)
    """
    (height, width), scale = wall.bricks.shape, wall.scale
    shape = (height, width)
    fine = max(scale, 0.35)
    calm = 0.35 + 0.65 * min(scale, 1.0)  # a small picture averages grain away

    mortar = np.full((*shape, 3), materials.mortar)
    grit = _grain(shape, 0.8 * fine, rng) * calm
    stains = fractal_noise(shape, 60 * scale + 4, rng)
    mortar += (materials.grain * (grit + 0.8 * stains))[..., None]

    texture = fractal_noise(shape, (9 * scale + 2, 26 * scale + 4), rng)
    speckle = _grain(shape, 0.7 * fine, rng) * calm
    pits = np.minimum(smooth_noise(shape, 7 * scale + 1.5, rng) + 0.78, 0.0)
    chips = np.maximum(fractal_noise(shape, 34 * scale + 3, rng) - 0.38, 0.0)
    inner = materials.texture * (texture + 0.3 * speckle) + 0.5 * pits
    # Edges of bricks catch mortar and weather: lighter in some places, darker in others.
    rim = np.exp(np.minimum(wall.depth, 0.0) / 4.0) * smooth_noise(shape, 40 * scale + 3, rng)
    brick = _brick_colours(wall, materials, rng)[wall.bricks]
    brick += (inner + 0.10 * rim)[..., None]
    dust = (np.asarray(materials.mortar) - np.asarray(materials.brick)) * 1.6
    brick += chips[..., None] * dust

    # A mixed pixel at each edge, as a lens makes it.
    share = gaussian_filter((wall.bricks > 0).astype(np.float64), 0.55 * max(scale, 0.8))[..., None]
    picture: Image = (share * brick + (1.0 - share) * mortar) * _relief(wall, rng)[..., None]
    return picture


def _relief(wall: Wall, rng: np.random.Generator) -> NDArray[np.float64]:
    """Shade of recessed mortar lit from above: dark below a brick, light on its top edge."""
    solid = (wall.bricks > 0).astype(np.float64)
    reach = max(1, round(float(rng.uniform(1.0, 3.5)) * wall.scale))
    aside = round(float(rng.uniform(-1.0, 1.0)) * reach)
    moved = np.roll(solid, (reach, aside), (0, 1))
    moved[:reach] = solid[:reach]
    strength = rng.uniform(0.08, 0.45)
    shade = gaussian_filter(moved - solid, 0.5 * max(wall.scale, 0.7))
    relief: NDArray[np.float64] = (
        1.0 - strength * np.maximum(shade, 0) - 0.12 * np.minimum(shade, 0)
    )
    return relief


def photograph(scene: Image, scale: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take the picture: uneven light, colour cast, a lens and a sensor.

    Args:
        scene: Image in even light, (H, W, 3).
        scale: Pixels a wall unit; blur follows it.
        rng: Source of randomness.

    Returns:
        Image, (H, W, 3), 8 bit.

    Example:
        >>> photograph(np.full((8, 8, 3), 0.5), 1.0, np.random.default_rng(0)).dtype
        dtype('uint8')
    """
    height, width = scene.shape[:2]
    y = np.linspace(-1.0, 1.0, height)[:, None]
    x = np.linspace(-1.0, 1.0, width)[None, :]
    slope = rng.normal(0.0, 0.035, 2)
    light = rng.uniform(0.95, 1.18) + slope[0] * y + slope[1] * x
    light = light - rng.uniform(0.0, 0.05) * (x * x + y * y)
    light = light + 0.03 * smooth_noise((height, width), max(height, width) / 2.5, rng)
    cast = 1.0 + rng.normal(0.0, 0.025, 3)
    picture = scene * light[..., None] * cast
    blur = float(rng.uniform(0.3, 0.9)) * max(scale, 0.45)
    picture = gaussian_filter(picture, (blur, blur, 0))
    # Shot noise grows with the light; half of it is shared by the colours.
    amount = rng.uniform(0.004, 0.018) * np.sqrt(np.clip(picture, 0.02, 1.0))
    noise = rng.standard_normal((height, width, 1)) + rng.standard_normal((height, width, 3))
    picture = picture + 0.7 * amount * noise
    levels: NDArray[np.uint8] = np.rint(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8)
    return levels
