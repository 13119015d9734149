"""Where boundaries lie: distance maps, Hausdorff distances, active boundaries, local structure."""

from __future__ import annotations

from seglosses.losses.boundary import active, hausdorff, multiscale, structural, weighted
from seglosses.losses.boundary.active import *
from seglosses.losses.boundary.hausdorff import *
from seglosses.losses.boundary.multiscale import *
from seglosses.losses.boundary.structural import *
from seglosses.losses.boundary.weighted import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *active.__all__,
    *hausdorff.__all__,
    *multiscale.__all__,
    *structural.__all__,
    *weighted.__all__,
]
globals()["__all__"] = EXPORTS
