"""Topology of images and masks: components, barcodes and induced matchings (NumPy and Numba)."""

from seglosses.topology.components import label_components
from seglosses.topology.counts import betti_numbers, euler_number, window_betti_numbers
from seglosses.topology.errors import MatchingError, matching_error
from seglosses.topology.matching import Matching, betti_matching, betti_matching_batch
from seglosses.topology.persistence import Barcode, persistence

__all__ = [
    "Barcode",
    "Matching",
    "MatchingError",
    "betti_matching",
    "betti_matching_batch",
    "betti_numbers",
    "euler_number",
    "label_components",
    "matching_error",
    "persistence",
    "window_betti_numbers",
]
