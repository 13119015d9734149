"""``seglosses benchmark``: losses x settings x seeds, trained, scored and compared."""

from seglosses.benchmark.command import add_arguments, run

__all__ = ["add_arguments", "run"]
