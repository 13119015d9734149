"""What stands before, lies on or falls on a wall: TopoMortar's out-of-distribution groups.

Things of the group ``objects`` are opaque and no mortar is labelled behind them; what belongs to
``occlusion``, ``graffiti`` and ``shadows`` leaves the label as it is.
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from seglosses.datasets.appearance import Image
from seglosses.datasets.noise import fractal_noise, smooth_noise
from seglosses.datasets.shapes import Canvas, Map, curve, draw_twig, extent_of, rectangle


def _mix(scene: Image, colour: Image | tuple[float, float, float], share: Map) -> Image:
    mixed: Image = scene + (np.asarray(colour) - scene) * share[..., None]
    return mixed


def _paint_colour(rng: np.random.Generator) -> tuple[float, float, float]:
    if rng.random() < 0.35:
        grey = float(rng.choice([0.08, 0.88]))
        return grey, grey, grey
    hue, saturation, value = rng.uniform((0.0, 0.5, 0.45), (1.0, 0.9, 0.95))
    return colorsys.hsv_to_rgb(float(hue), float(saturation), float(value))


def graffiti(scene: Image, rng: np.random.Generator) -> Image:
    """Spray strokes, letters as it were, onto a wall; the relief shows through.

    Args:
        scene: Painted wall, (H, W, 3).
        rng: Source of randomness.

    Returns:
        The wall with paint on it.

    Example:
        >>> wall = np.full((32, 32, 3), 0.5)
        >>> bool((graffiti(wall, np.random.default_rng(0)) != wall).any())
        True
    """
    shape = (scene.shape[0], scene.shape[1])
    extent = extent_of(shape)
    lightness = scene.mean(2, keepdims=True)
    relief = lightness - lightness.mean()
    for _ in range(int(rng.integers(1, 4))):
        canvas = Canvas(shape)
        width = rng.uniform(0.02, 0.08)
        letters = int(rng.integers(2, 6))
        base = rng.uniform(0.25, 0.75) * extent[1]
        tall = rng.uniform(0.2, 0.55)
        for letter in range(letters):
            left = (letter + 0.15) / letters * extent[0]
            box = np.array([0.75 / letters * extent[0], tall])
            corner = np.array([left, base - tall / 2 + rng.normal(0.0, 0.02)])
            canvas.stroke(curve(corner + rng.random((int(rng.integers(3, 6)), 2)) * box), width)
        share = gaussian_filter(canvas.cover(), 0.012 * min(shape) * rng.uniform(0.3, 1.0))
        patchy = np.clip(1.0 + 0.35 * fractal_noise(shape, 0.04 * min(shape) + 2, rng), 0, 1)
        share = share * patchy * rng.uniform(0.7, 0.95)
        scene = _mix(scene, _paint_colour(rng) + 0.35 * relief, share)
    return scene


def shadows(scene: Image, rng: np.random.Generator) -> Image:
    """Throw shadows of twigs, or of the edge of a building, onto a wall.

    Args:
        scene: Painted wall, (H, W, 3).
        rng: Source of randomness.

    Returns:
        The wall in partial shadow, a little bluer there.

    Example:
        >>> wall = np.full((32, 32, 3), 0.5)
        >>> bool((shadows(wall, np.random.default_rng(0)) <= wall).all())
        True
    """
    shape = (scene.shape[0], scene.shape[1])
    canvas = Canvas(shape)
    extent = extent_of(shape)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(2, 5))):
            draw_twig(canvas, rng, int(rng.integers(12, 40)))
    else:
        middle = rng.uniform(0.2, 0.8, 2) * extent
        turn = rng.uniform(0.0, 2 * np.pi)
        reach = np.array([np.cos(turn), np.sin(turn)]) * 4.0
        canvas.polygon(rectangle(middle + reach / 2, (4.0, 8.0), turn))
        for _ in range(int(rng.integers(0, 4))):
            draw_twig(canvas, rng, 10)
    softness = rng.uniform(0.004, 0.02) * min(shape)
    share = gaussian_filter(canvas.cover(), softness)
    darkness = rng.uniform(0.45, 0.72) * np.array([1.0, 0.97, 0.9])
    shaded: Image = scene * (1.0 - share[..., None] * darkness)
    return shaded


def occlusion(scene: Image, rng: np.random.Generator) -> Image:
    """Put thin or see-through things before a wall: plants, cables, a pane.

    Args:
        scene: Painted wall, (H, W, 3).
        rng: Source of randomness.

    Returns:
        The wall behind them; its label does not change.

    Example:
        >>> wall = np.full((32, 32, 3), 0.5)
        >>> bool((occlusion(wall, np.random.default_rng(0)) != wall).any())
        True
    """
    shape = (scene.shape[0], scene.shape[1])
    extent = extent_of(shape)
    kind = rng.choice(["plant", "pane", "cable"], p=[0.5, 0.3, 0.2])
    canvas = Canvas(shape)
    if kind == "pane":
        size = rng.uniform(0.35, 0.8, 2)
        canvas.polygon(
            rectangle(rng.uniform(0.3, 0.7, 2) * extent, tuple(size), rng.normal(0.0, 0.15))
        )
        share = canvas.cover()
        shine = 0.25 + 0.18 * smooth_noise(shape, (0.9 * min(shape), 0.12 * min(shape) + 2), rng)
        edge = np.clip(4.0 * share * (1.0 - gaussian_filter(share, 0.012 * min(shape) + 0.5)), 0, 1)
        tint = colorsys.hsv_to_rgb(
            float(rng.uniform(0.08, 0.6)), 0.12, float(rng.uniform(0.6, 0.95))
        )
        return _mix(scene, tint, np.clip(share * shine * 1.5 + 0.4 * edge, 0, 0.85))
    if kind == "cable":
        for _ in range(int(rng.integers(1, 4))):
            ends = rng.uniform(0.0, 1.0, (3, 2)) * extent
            ends[[0, 2], 0] = (-0.1, extent[0] + 0.1)
            canvas.stroke(curve(ends, 24), rng.uniform(0.008, 0.022))
        return _mix(scene, (rng.uniform(0.05, 0.25),) * 3, canvas.cover())
    for _ in range(int(rng.integers(2, 5))):
        canvas = Canvas(shape)
        draw_twig(canvas, rng, int(rng.integers(15, 45)))
        green = np.asarray(
            colorsys.hsv_to_rgb(
                float(rng.uniform(0.2, 0.34)),
                float(rng.uniform(0.35, 0.7)),
                float(rng.uniform(0.25, 0.6)),
            )
        )
        veins = 1.0 + 0.5 * fractal_noise(shape, 0.05 * min(shape) + 2, rng)[..., None]
        share = canvas.cover()
        below = gaussian_filter(share, 0.01 * min(shape))
        scene = _mix(scene * (1.0 - 0.3 * below[..., None]), green * veins, share)
    return scene


def objects(scene: Image, rng: np.random.Generator) -> tuple[Image, NDArray[np.bool_]]:
    """Put opaque things before a wall: a bench, a sign, a pipe, a box.

    Args:
        scene: Painted wall, (H, W, 3).
        rng: Source of randomness.

    Returns:
        The picture, and the covered pixels, (H, W), where no mortar is labelled.

    Example:
        >>> picture, region = objects(np.full((32, 32, 3), 0.5), np.random.default_rng(0))
        >>> region.shape, bool(region.any())
        ((32, 32), True)
    """
    shape = (scene.shape[0], scene.shape[1])
    extent = extent_of(shape)
    region = np.zeros(shape, bool)
    for _ in range(int(rng.integers(1, 3))):
        kind = rng.choice(["plank", "sign", "pipe", "box"])
        canvas = Canvas(shape)
        center = rng.uniform(0.1, 0.9, 2) * extent
        turn = rng.normal(0.0, 0.04)
        if kind == "plank":
            size = (rng.uniform(0.6, 1.4), rng.uniform(0.15, 0.35))
            center[1] = extent[1] * rng.uniform(0.7, 1.0)
        elif kind == "pipe":
            size = (rng.uniform(0.06, 0.14), 4.0)
        else:
            size = (rng.uniform(0.2, 0.45), rng.uniform(0.2, 0.5))
        canvas.polygon(rectangle(center, size, turn))
        share = canvas.cover()
        material = _object_colours(shape, kind, center[0] * min(shape), size[0] * min(shape), rng)
        if kind == "sign":
            inner = Canvas(shape)
            for line in range(int(rng.integers(1, 4))):
                level = center[1] + size[1] * (0.22 * line - 0.25)
                ends = np.array(
                    [[center[0] - 0.34 * size[0], level], [center[0] + 0.3 * size[0], level]]
                )
                inner.stroke(ends, 0.07 * size[1])
            material = _mix(material, (0.93, 0.92, 0.88), inner.cover())
        moved = np.roll(gaussian_filter(share, 0.015 * min(shape)), max(1, shape[0] // 60), 0)
        scene = _mix(scene * (1.0 - 0.45 * moved[..., None]), material, share)
        region |= share > 0.5
    return scene, region


def _object_colours(
    shape: tuple[int, int], kind: str, center: float, width: float, rng: np.random.Generator
) -> Image:
    """Surface of a thing, (H, W, 3): paint, wood in long fibres, or the roundness of a pipe."""
    hue, saturation, value = rng.uniform((0.0, 0.05, 0.15), (1.0, 0.6, 0.7))
    if kind == "plank":
        hue, saturation, value = rng.uniform((0.02, 0.2, 0.3), (0.1, 0.45, 0.6))
    paint = np.asarray(colorsys.hsv_to_rgb(float(hue), float(saturation), float(value)))
    short = min(shape)
    fibre = (0.012 * short + 1.2, 0.3 * short) if kind == "plank" else (0.1 * short, 0.1 * short)
    shade = 1.0 + 0.16 * fractal_noise(shape, fibre, rng, 2)
    if kind == "pipe":
        side = np.clip((np.arange(shape[1]) - center) / (width / 2), -1, 1)
        shade = shade * (0.45 + 0.75 * np.sqrt(1.0 - 0.85 * (side + 0.25).clip(-1, 1) ** 2))[None]
    surface: Image = paint * shade[..., None]
    return surface
