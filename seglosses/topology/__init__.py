"""Topology of images and masks: components, barcodes and induced matchings (NumPy and Numba)."""

from seglosses.topology.components import betti_numbers, euler_number, label_components

__all__ = [
    "betti_numbers",
    "euler_number",
    "label_components",
]
