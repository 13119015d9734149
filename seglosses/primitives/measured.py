"""Quantities of an object that are measured once, when first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_Owner = TypeVar("_Owner")
_Value = TypeVar("_Value")


class measured(Generic[_Owner, _Value]):
    """A property that is computed once per object, without a lock.

    ``functools.cached_property`` takes a lock up to Python 3.11, at which the graph of
    ``torch.compile`` breaks.

    Example:
        >>> class Square:
        ...     side = 3
        ...     @measured
        ...     def area(self):
        ...         print("measured")
        ...         return self.side**2
        >>> square = Square()
        >>> square.area + square.area
        measured
        18
    """

    def __init__(self, compute: Callable[[_Owner], _Value]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type[_Owner], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: Any = None) -> measured[_Owner, _Value]: ...
    @overload
    def __get__(self, instance: _Owner, owner: Any = None) -> _Value: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        value = self.compute(instance)
        # found before this property from now on
        instance.__dict__[self.name] = value
        return value
