"""Few, weak or missing labels: boxes, projections, priors, labels of a teacher."""

from __future__ import annotations

from seglosses.losses.weak import (
    affinity,
    box_supervision,
    label_exclusion,
    label_sets,
    projection,
    pseudo_labels,
    tree_energy,
    unlabelled,
)
from seglosses.losses.weak.affinity import *
from seglosses.losses.weak.box_supervision import *
from seglosses.losses.weak.label_exclusion import *
from seglosses.losses.weak.label_sets import *
from seglosses.losses.weak.projection import *
from seglosses.losses.weak.pseudo_labels import *
from seglosses.losses.weak.tree_energy import *
from seglosses.losses.weak.unlabelled import *

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = [
    *affinity.__all__,
    *box_supervision.__all__,
    *label_exclusion.__all__,
    *label_sets.__all__,
    *projection.__all__,
    *pseudo_labels.__all__,
    *tree_energy.__all__,
    *unlabelled.__all__,
]
globals()["__all__"] = EXPORTS
