"""Loss modules and the functions beside them; needs torch only.

``seglosses list`` prints every loss with its formula, paper and purpose. A folder holds a family
(``help(seglosses.losses.line)``), and each family shares one statistic:

* ``overlap``: soft counts of classes; Dice, Jaccard, Tversky, Lovász and their relatives;
* ``pixel``: every pixel by itself; cross-entropy, focal, noise-robust, calibrated losses;
* ``boundary``: distances and windows; Kervadec, Hausdorff, active boundary, SSIM;
* ``line``: centre lines; clDice, cbDice, skeleton recall, skeleton-aware weights;
* ``topology``: barcodes, matchings, regions, critical pixels;
* ``weak``: few or weak labels; boxes, projections, priors, pseudo labels;
* ``guided``: inputs beyond labels; teachers, features, attributions;
* ``box``: boxes and their scores.

Bases for losses of your own are in :mod:`seglosses.losses.base`. A module's ``__all__`` says what
it exports; a new module is named once in the index of its family.
"""

from __future__ import annotations

from seglosses.losses import boundary, box, guided, line, overlap, pixel, topology, weak
from seglosses.losses.boundary import *
from seglosses.losses.box import *
from seglosses.losses.guided import *
from seglosses.losses.line import *
from seglosses.losses.overlap import *
from seglosses.losses.pixel import *
from seglosses.losses.topology import *
from seglosses.losses.weak import *
from seglosses.primitives.soft_labels import smooth_boundary_labels as smooth_boundary_labels

# Type checkers read an __all__ of literals only, and without one take every name above.
EXPORTS = ["smooth_boundary_labels"]
for _family in (boundary, box, guided, line, overlap, pixel, topology, weak):
    EXPORTS += _family.EXPORTS
globals()["__all__"] = EXPORTS
