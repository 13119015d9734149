"""Losses and metrics for segmentation and detection models that must get the shape right.

The package is a small house; each room is imported on its own, so nothing heavy is loaded here:

* ``seglosses.losses``: loss modules and functions (torch only).
* ``seglosses.topology``: barcodes, induced matchings, Betti numbers (NumPy and Numba).
* ``seglosses.metrics``: functions of label maps (NumPy in, numbers out).
* ``seglosses.datasets``: the brick-wall generator and the TopoMortar layout.
* ``seglosses.registry``: the OpenMMLab registries with scope ``seglosses``.
"""

__version__ = "0.1.0"

from seglosses import _moved

_moved.install()
