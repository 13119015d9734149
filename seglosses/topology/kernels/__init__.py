"""Compiled kernels of the topology package: arrays and scalars in, indices out (Numba)."""
