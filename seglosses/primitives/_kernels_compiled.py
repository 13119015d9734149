"""How every kernel is compiled: once per installation, kept in a folder, and without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
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
    return _kept(njit(nogil=True)(function), function)


def lanes(function: Callable[..., Any]) -> Any:
    """As :func:`kernel`, for formulas that a processor does on many numbers at once.

    A sum may be taken in any order, and to divide by zero is no error: either would keep the
    compiler from it. NaN and infinity stay what they are.

    Args:
        function: What Numba can compile.

    Returns:
        The compiled function.

    Example:
        >>> import numpy as np
        >>> lanes(lambda x: 1 / x)(np.float32(0))
        inf
    """
    free = {"reassoc", "contract", "nsz"}
    return _kept(njit(nogil=True, fastmath=free, error_model="numpy")(function), function)


def inlined(function: Callable[..., Any]) -> Any:
    """As :func:`kernel`, for a step that becomes a part of every kernel that takes it.

    Called as a function of its own it would count, at each call, who holds the arrays it is given;
    two threads with arrays in common would wait for one another each time.

    Args:
        function: What Numba can compile.

    Returns:
        The compiled function.

    Example:
        >>> inlined(lambda x: x + 1)(2)
        3
    """
    return _kept(njit(nogil=True, forceinline=True)(function), function)


def _kept(compiled: Any, function: Callable[..., Any]) -> Any:
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


@intrinsic  # type: ignore[untyped-decorator]
def _two_to_the(typing: Any, exponent: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word = ir.IntType(32)
        biased = builder.add(builder.fptosi(values[0], word), ir.Constant(word, 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(word, 23)), ir.FloatType())

    return types.float32(types.float32), generate


@intrinsic  # type: ignore[untyped-decorator]
def _floor(typing: Any, number: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.call(
            builder.module.declare_intrinsic("llvm.floor", [ir.FloatType()]), values
        )

    return types.float32(types.float32), generate


if config.DISABLE_JIT:

    def fetch_ahead(array: Any, index: Any) -> None:
        """Ask for an entry of an array that will be read soon; out of bounds it is no error."""

    def trailing_zeros(word: Any) -> int:
        """Position of the lowest set bit of an unsigned word of 64 bits, which is not 0."""
        return (int(word) & -int(word)).bit_length() - 1

    def two_to_the(exponent: Any) -> Any:
        """Power of two of a whole number from -126 to 127, all float32."""
        return np.float32(2.0**exponent)

    def floor(number: Any) -> Any:
        """The next lower whole number, float32; without Numba's check of errors."""
        return np.floor(number)

else:
    fetch_ahead = _fetch_ahead
    trailing_zeros = _count_trailing
    two_to_the = _two_to_the
    floor = _floor
