"""Boxes and their scores: the IoU family, distances, qualities, distributions."""

from __future__ import annotations

from seglosses.losses.box import (
    centre,
    distance,
    distribution,
    gaussian,
    iou,
    modified,
    quality,
    rotated,
    shape,
)
from seglosses.losses.box.centre import *
from seglosses.losses.box.distance import *
from seglosses.losses.box.distribution import *
from seglosses.losses.box.gaussian import *
from seglosses.losses.box.iou import *
from seglosses.losses.box.modified import *
from seglosses.losses.box.quality import *
from seglosses.losses.box.rotated import *
from seglosses.losses.box.shape import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *centre.__all__,
    *distance.__all__,
    *distribution.__all__,
    *gaussian.__all__,
    *iou.__all__,
    *modified.__all__,
    *quality.__all__,
    *rotated.__all__,
    *shape.__all__,
]
globals()["__all__"] = EXPORTS
