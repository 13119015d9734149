"""Label maps with their centre lines and smallest components, on their images."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from seglosses.advise.kinds import numbers_said
from seglosses.advise.profile import ClassProfile
from seglosses.advise.reading import closed, read
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.photos import Photos
from seglosses.evaluate.settings import Settings
from seglosses.report.overlay import data_url, mask_picture

RINGS = 30


def typical_pictures(
    one: ClassProfile, measured: Sequence[PairFiles], settings: Settings, photos: Photos
) -> str:
    """The images with the most, a middle and the fewest pixels of a class.

    Args:
        one: The class.
        measured: Files, in the order of its shapes.
        settings: How they are read.
        photos: Pictures to draw on.

    Returns:
        HTML.
    """
    order = [i for i in np.argsort([s.pixels for s in one.shapes]) if one.shapes[i].pixels]
    if not order:
        return ""
    chosen = dict.fromkeys([order[0], order[len(order) // 2], order[-1]])
    figures = []
    for place in chosen:
        files, shape = measured[place], one.shapes[place]
        for maps in read(files, settings):
            mask = closed(maps.target, [one.index]) == one.index
            if mask.ndim == 3:
                mask = mask[int(mask.sum(axis=(1, 2)).argmax())]
            photo = photos.of(files.name, maps.target.shape)
            picture = data_url(mask_picture(mask, photo, rings=RINGS), photo=photo is not None)
            name = html.escape(f"{files.name}, {one.name}")
            numbers = numbers_said((shape.components, shape.loops, shape.cavities))
            figures.append(
                f'<figure class="card"><img src="{picture}" alt="{name}"><figcaption><b>{name}</b>'
                f"<br>{shape.share:.2%} of the pixels, {numbers}</figcaption></figure>"
            )
    return (
        f'<p class="quiet">{html.escape(one.name)}: fewest, middle and most pixels; the centre line'
        " in blue, all but the largest components in orange rings (up to 30).</p>"
        f'<div class="grid wide">{"".join(figures)}</div>'
    )
