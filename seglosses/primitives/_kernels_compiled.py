"""How every kernel is compiled: once per installation, kept in a folder, and without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import config, njit, types
from numba.extending import intrinsic

from seglosses.primitives._kernels_shipped import KernelCache


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function at its first call and keep the result for later processes.

    What the wheel brings compiled is taken from there. Else it is kept beside the source or, where
    that cannot be written, in the user's cache folder (``~/.cache/numba``); the environment
    variable ``NUMBA_CACHE_DIR`` names another one. Where there is no folder at all, every process
    compiles for itself.

    Args:
        function: What Numba can compile.

    Returns:
        The compiled function.

    Example:
        >>> kernel(lambda x: x + 1)(2)
        3
    """
    compiled = njit(nogil=True)(function)
    if not config.DISABLE_JIT:
        compiled._cache = KernelCache(function)
    return compiled


@intrinsic  # type: ignore[untyped-decorator]
def _count_trailing(typing: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def _fetch_ahead(typing: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        held = context.make_array(signature.args[0])(context, builder, values[0])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.bitcast(builder.gep(held.data, [values[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        # to be read, soon and again, as data
        builder.call(fetch, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


if config.DISABLE_JIT:

    def fetch_ahead(array: Any, index: Any) -> None:
        """Ask for an entry of an array that will be read soon; out of bounds it is no error."""

    def trailing_zeros(word: Any) -> int:
        """Position of the lowest set bit of an unsigned word of 64 bits, which is not 0."""
        return (int(word) & -int(word)).bit_length() - 1

else:
    fetch_ahead = _fetch_ahead
    trailing_zeros = _count_trailing
