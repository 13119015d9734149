"""Losses that read more than labels: teachers, features, attributions."""

from __future__ import annotations

from seglosses.losses.guided import (
    attribution,
    contrast,
    contrast_batch,
    contrast_centres,
    contrast_mixture,
    distillation,
    distillation_boundary,
    distillation_channels,
    distillation_features,
    distillation_relations,
)
from seglosses.losses.guided.attribution import *
from seglosses.losses.guided.contrast import *
from seglosses.losses.guided.contrast_batch import *
from seglosses.losses.guided.contrast_centres import *
from seglosses.losses.guided.contrast_mixture import *
from seglosses.losses.guided.distillation import *
from seglosses.losses.guided.distillation_boundary import *
from seglosses.losses.guided.distillation_channels import *
from seglosses.losses.guided.distillation_features import *
from seglosses.losses.guided.distillation_relations import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *attribution.__all__,
    *contrast.__all__,
    *contrast_batch.__all__,
    *contrast_centres.__all__,
    *contrast_mixture.__all__,
    *distillation.__all__,
    *distillation_boundary.__all__,
    *distillation_channels.__all__,
    *distillation_features.__all__,
    *distillation_relations.__all__,
]
globals()["__all__"] = EXPORTS
