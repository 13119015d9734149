"""Thin structures by their centre lines: clDice, cbDice, skeleton recall."""

from __future__ import annotations

from seglosses.losses.line import (
    centerline,
    centerline_boundary,
    skea_topo,
    skeleton_aware,
    skeleton_recall,
)
from seglosses.losses.line.centerline import *
from seglosses.losses.line.centerline_boundary import *
from seglosses.losses.line.skea_topo import *
from seglosses.losses.line.skeleton_aware import *
from seglosses.losses.line.skeleton_recall import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *centerline.__all__,
    *centerline_boundary.__all__,
    *skea_topo.__all__,
    *skeleton_aware.__all__,
    *skeleton_recall.__all__,
]
globals()["__all__"] = EXPORTS
