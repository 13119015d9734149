"""What docstrings and annotations tell a page, without the tools that build one."""

from __future__ import annotations

import dataclasses
import re
import sys
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from typing_extensions import is_typeddict

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):`~?\.?([\w.]+)`")


def typed_fields(home: type) -> dict[str, str]:
    """Fields of a named tuple, a typed dictionary or a dataclass, with types as they are written.

    Example:
        >>> from seglosses.metrics.graphs import GraphScores
        >>> typed_fields(GraphScores)
        {'precision': 'float', 'recall': 'float', 'f1': 'float'}
        >>> typed_fields(int)
        {}
    """
    if dataclasses.is_dataclass(home):
        found = {field.name: field.type for field in dataclasses.fields(home)}
    elif is_typeddict(home) or hasattr(home, "_fields"):
        found = home.__annotations__
    else:
        return {}
    return {name: str(getattr(kind, "__forward_arg__", kind)) for name, kind in found.items()}


def type_in_words(function: Any, name: str) -> str | None:
    """The type of an argument that is no class: the words of a choice, another type as written.

    Example:
        >>> from seglosses.metrics.cells import adapted_rand
        >>> type_in_words(adapted_rand, "regions"), type_in_words(adapted_rand, "pair")
        ("'background' | 'foreground'", None)
    """
    written = getattr(function, "__annotations__", {}).get(name)
    if not isinstance(written, str):
        return None
    try:
        kind = eval(written, vars(sys.modules[function.__module__]))
    except NameError:  # imported for the types alone
        return written
    if isinstance(kind, type):
        return None
    return _spelled(kind) if "Literal" in str(kind) else written


def _spelled(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " | ".join(map(repr, get_args(kind)))
    if get_origin(kind) in (Union, UnionType):
        return " | ".join(map(_spelled, get_args(kind)))
    return "None" if kind is NoneType else getattr(kind, "__name__", str(kind))


def as_markdown(text: str) -> str:
    r"""A docstring with examples that are recognised, without roles, and with the stars of shapes.

    Example:
        >>> as_markdown("See :class:`~seglosses.losses.DiceLoss`.")
        'See `DiceLoss`.'
        >>> print(as_markdown("Maps (C, *S) or `(*S)`"))
        Maps (C, \*S) or `(*S)`
    """
    text = re.sub(r"(`+[^`]+`+)|\*(?=S\))", lambda found: found[1] or r"\*", text)
    return ROLE.sub(_named, re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE))


def _named(found: re.Match[str]) -> str:
    return f"`{found[1].rsplit('.', 1)[-1]}`"
