"""Components, loops and cavities: barcodes, matchings, regions, critical pixels."""

from __future__ import annotations

from seglosses.losses.topology import (
    barcodes,
    cavity,
    matching,
    paths,
    regions,
    total_persistence,
    warping,
)
from seglosses.losses.topology.barcodes import *
from seglosses.losses.topology.cavity import *
from seglosses.losses.topology.matching import *
from seglosses.losses.topology.paths import *
from seglosses.losses.topology.regions import *
from seglosses.losses.topology.total_persistence import *
from seglosses.losses.topology.warping import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *barcodes.__all__,
    *cavity.__all__,
    *matching.__all__,
    *paths.__all__,
    *regions.__all__,
    *total_persistence.__all__,
    *warping.__all__,
]
globals()["__all__"] = EXPORTS
