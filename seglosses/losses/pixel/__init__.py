"""Losses of single pixels: cross-entropy and its refined, robust, calibrated and balanced forms."""

from __future__ import annotations

from seglosses.losses.pixel import (
    active_passive,
    asymmetric,
    balancing,
    bootstrapping,
    calibration,
    calibration_bins,
    calibration_kernel,
    calibration_margins,
    calibration_spatial,
    classification,
    entropy_forms,
    equalization,
    focal,
    hard_pixels,
    interaction,
    label_margins,
    long_tail,
    noise_robust,
    normalized,
    per_object,
    seesaw,
    structured,
)
from seglosses.losses.pixel.active_passive import *
from seglosses.losses.pixel.asymmetric import *
from seglosses.losses.pixel.balancing import *
from seglosses.losses.pixel.bootstrapping import *
from seglosses.losses.pixel.calibration import *
from seglosses.losses.pixel.calibration_bins import *
from seglosses.losses.pixel.calibration_kernel import *
from seglosses.losses.pixel.calibration_margins import *
from seglosses.losses.pixel.calibration_spatial import *
from seglosses.losses.pixel.classification import *
from seglosses.losses.pixel.entropy_forms import *
from seglosses.losses.pixel.equalization import *
from seglosses.losses.pixel.focal import *
from seglosses.losses.pixel.hard_pixels import *
from seglosses.losses.pixel.interaction import *
from seglosses.losses.pixel.label_margins import *
from seglosses.losses.pixel.long_tail import *
from seglosses.losses.pixel.noise_robust import *
from seglosses.losses.pixel.normalized import *
from seglosses.losses.pixel.per_object import *
from seglosses.losses.pixel.seesaw import *
from seglosses.losses.pixel.structured import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *active_passive.__all__,
    *asymmetric.__all__,
    *balancing.__all__,
    *bootstrapping.__all__,
    *calibration.__all__,
    *calibration_bins.__all__,
    *calibration_kernel.__all__,
    *calibration_margins.__all__,
    *calibration_spatial.__all__,
    *classification.__all__,
    *entropy_forms.__all__,
    *equalization.__all__,
    *focal.__all__,
    *hard_pixels.__all__,
    *interaction.__all__,
    *label_margins.__all__,
    *long_tail.__all__,
    *noise_robust.__all__,
    *normalized.__all__,
    *per_object.__all__,
    *seesaw.__all__,
    *structured.__all__,
]
globals()["__all__"] = EXPORTS
