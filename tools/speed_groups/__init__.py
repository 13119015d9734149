"""Groups of timed comparisons, one module each; see ``tools/speed.py``."""
