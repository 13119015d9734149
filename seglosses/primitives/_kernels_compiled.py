"""How every kernel is compiled: once an installation, kept in a folder, and without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function at its first call and keep the result for later processes.

    It is kept beside the source or, where that cannot be written, in the user's cache folder
    (``~/.cache/numba``); the environment variable ``NUMBA_CACHE_DIR`` names another one. Where
    there is no folder at all, every process compiles for itself.

    Args:
        function: What Numba can compile.

    Returns:
        The compiled function.

    Example:
        >>> kernel(lambda x: x + 1)(2)
        3
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # Numba found no folder for its cache: that is no reason not to import.
        return njit(nogil=True)(function)
