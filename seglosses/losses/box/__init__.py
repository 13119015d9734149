"""Boxes and their scores: the IoU family, distances, qualities, distributions."""

from __future__ import annotations

from seglosses.losses.box import (
    aligned,
    centre,
    distance,
    distribution,
    fine_grained,
    gaussian,
    gaussian_overlap,
    iou,
    modified,
    powerful,
    quality,
    ranking,
    rotated,
    shape,
)
from seglosses.losses.box.aligned import *
from seglosses.losses.box.centre import *
from seglosses.losses.box.distance import *
from seglosses.losses.box.distribution import *
from seglosses.losses.box.fine_grained import *
from seglosses.losses.box.gaussian import *
from seglosses.losses.box.gaussian_overlap import *
from seglosses.losses.box.iou import *
from seglosses.losses.box.modified import *
from seglosses.losses.box.powerful import *
from seglosses.losses.box.quality import *
from seglosses.losses.box.ranking import *
from seglosses.losses.box.rotated import *
from seglosses.losses.box.shape import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *aligned.__all__,
    *centre.__all__,
    *distance.__all__,
    *distribution.__all__,
    *fine_grained.__all__,
    *gaussian.__all__,
    *gaussian_overlap.__all__,
    *iou.__all__,
    *modified.__all__,
    *powerful.__all__,
    *quality.__all__,
    *ranking.__all__,
    *rotated.__all__,
    *shape.__all__,
]
globals()["__all__"] = EXPORTS
