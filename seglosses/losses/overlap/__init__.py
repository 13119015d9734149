"""Overlap of classes with their labels, from soft counts: Dice, Jaccard, Tversky, Lovász."""

from __future__ import annotations

from seglosses.losses.overlap import (
    confusion,
    correlation,
    curved,
    generalized,
    jaccard_metric,
    lovasz,
    mutual_information,
    per_object,
    rates,
    region,
    tversky,
)
from seglosses.losses.overlap.confusion import *
from seglosses.losses.overlap.correlation import *
from seglosses.losses.overlap.curved import *
from seglosses.losses.overlap.generalized import *
from seglosses.losses.overlap.jaccard_metric import *
from seglosses.losses.overlap.lovasz import *
from seglosses.losses.overlap.mutual_information import *
from seglosses.losses.overlap.per_object import *
from seglosses.losses.overlap.rates import *
from seglosses.losses.overlap.region import *
from seglosses.losses.overlap.tversky import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *confusion.__all__,
    *correlation.__all__,
    *curved.__all__,
    *generalized.__all__,
    *jaccard_metric.__all__,
    *lovasz.__all__,
    *mutual_information.__all__,
    *per_object.__all__,
    *rates.__all__,
    *region.__all__,
    *tversky.__all__,
]
globals()["__all__"] = EXPORTS
