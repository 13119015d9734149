"""What a loss class takes, as its signature, its docstring and its errors say it.

A class names its own options and hands the others on, ``**options: Unpack[CountOptions]``; what
these are is written once, on the base that reads them. From there the functions below collect all
that a class takes, so that ``help(DiceLoss)`` needs no second page.
"""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import get_args

from seglosses.losses.foreign import MEANING

Parameters = dict[str, inspect.Parameter]

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ENTRY = re.compile(r"    (\w+)(?: \(default .+?\))?: ")
_SEE = re.compile(r"See (?:there|:\w+:`[^`]+`)[,;:.]?\s*")


class UnknownOptionError(ValueError, TypeError):
    """An option that a loss does not take; a TypeError too, as Python's own would be."""


def full_signature(cls: type) -> inspect.Signature:
    """The signature of a class with the options that it hands on to its bases.

    A default that a class states as ``default_classes``, for the option ``classes``, is shown.

    Args:
        cls: A loss class.

    Returns:
        Own options first. A ``**options`` that says nothing of what it takes stays as it is.

    Example:
        >>> from seglosses.losses import DiceLoss
        >>> print([name for name in full_signature(DiceLoss).parameters][:3])
        ['smooth', 'classes', 'average']
    """
    taken = _taken(cls.__mro__)
    shown = [
        parameter.replace(default=_default(cls, parameter))
        if parameter.kind in _NAMED
        else parameter
        for parameter in taken.values()
    ]
    return inspect.Signature(sorted(shown, key=lambda parameter: parameter.kind))


def _taken(mro: tuple[type, ...]) -> Parameters:
    """What the first constructor of these takes, and hands on to the next."""
    place, member = next((i, m) for i, m in enumerate(mro) if "__init__" in vars(m))
    init = vars(member)["__init__"]
    if not inspect.isfunction(init) or init.__module__.startswith("torch."):
        return {}
    _, *given = inspect.signature(init).parameters.values()
    own = {each.name: each for each in given}
    handed = next((each for each in given if each.kind is each.VAR_KEYWORD), None)
    if handed is None:
        return own
    keys = _keys(handed.annotation, init.__globals__)
    if keys is not None:
        del own[handed.name]
    rest = {
        name: each.replace(kind=each.KEYWORD_ONLY)
        for name, each in _taken(mro[place + 1 :]).items()
        if each.kind in _NAMED and (keys is None or name in keys)
    }
    return own | {name: each for name, each in rest.items() if name not in own}


def _keys(annotation: object, names: dict[str, object]) -> Iterable[str] | None:
    """The options of an annotation ``Unpack[...]``; None for any other, or none."""
    if isinstance(annotation, str) and "Unpack[" in annotation:
        try:
            annotation = eval(annotation, dict(names))
        except NameError:
            return None
    record = get_args(annotation)
    return record[0].__annotations__ if record else None


def _default(cls: type, parameter: inspect.Parameter) -> object:
    if parameter.name == "use_sigmoid" and getattr(cls, "independent_channels", False):
        return True
    stated: object = getattr(cls, f"default_{parameter.name}", None)
    return stated if parameter.default is None and stated is not None else parameter.default


def full_doc(cls: type) -> str | None:
    """The docstring of a class with every option that it takes, and its default.

    Args:
        cls: A loss class.

    Returns:
        Its own docstring, whose ``Args`` are completed from those of its bases.

    Example:
        >>> from seglosses.losses import DiceLoss
        >>> "loss_weight (default 1.0): Factor of the result" in full_doc(DiceLoss)
        True
    """
    own = vars(cls).get("__doc__")
    if not own:
        return None
    lines = inspect.cleandoc(own).splitlines()
    start, end = _block(lines)
    entries = _entries(lines[start:end])
    said = {name: entries.get(name) or _said(cls, name) for name in _named(cls)}
    block = []
    for name, parameter in _named(cls).items():
        text = said[name]
        default = (
            "" if parameter.default is parameter.empty else f" (default {parameter.default!r})"
        )
        block += _wrapped(f"{name}{default}: {text}")
    if note := _SEE.sub("", entries.get("options", ""), count=1):
        block += ["", *_wrapped(f"Shared options: {note}")]
    if not block:
        return "\n".join(lines)
    if not entries:
        block = ["Args:", *block, ""]
        if start == len(lines):
            block = ["", *block]
    return "\n".join([*lines[:start], *block, *lines[end:]]).rstrip()


def _named(cls: type) -> Mapping[str, inspect.Parameter]:
    signature: inspect.Signature = vars(cls)["__signature__"]
    return {name: each for name, each in signature.parameters.items() if each.kind in _NAMED}


def _block(lines: list[str]) -> tuple[int, int]:
    """Where the entries of ``Args`` stand, or should."""
    if "Args:" in lines:
        start = lines.index("Args:") + 1
        end = next((i for i in range(start, len(lines)) if not lines[i].strip()), len(lines))
        return start, end
    sections = ("Attributes:", "Raises:", "References:", "Example:")
    place = next((i for i, line in enumerate(lines) if line in sections), len(lines))
    return place, place


def _entries(lines: list[str]) -> dict[str, str]:
    """Text of each entry, in one line."""
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := _ENTRY.match(line):
            name = match[1]
            found[name] = line[match.end() :].strip()
        elif name:
            found[name] += " " + line.strip()
    return found


def _said(cls: type, name: str) -> str:
    """What the nearest base that documents an option says of it."""
    for member in cls.__mro__[1:]:
        lines = inspect.cleandoc(vars(member).get("__doc__") or "").splitlines()
        start, end = _block(lines)
        if (text := _entries(lines[start:end]).get(name)) is not None:
            return text
    return ""


def _wrapped(entry: str) -> list[str]:
    return textwrap.wrap(
        entry,
        width=100,
        initial_indent=" " * 4,
        subsequent_indent=" " * 8,
        break_long_words=False,
        break_on_hyphens=False,
    )


def refuse_unknown(cls: type, given: Iterable[str]) -> None:
    """Raise for options that a class does not take, and say what it takes instead.

    Args:
        cls: A loss class.
        given: Names of options.

    Raises:
        UnknownOptionError: naming the class, the nearest option or what another library means by
            this one, and all that the class takes.

    Example:
        >>> from seglosses.losses import DiceLoss
        >>> refuse_unknown(DiceLoss, ["smooth"])
        >>> try:
        ...     DiceLoss(smoth=1)
        ... except ValueError as error:
        ...     print(str(error)[:55])
        DiceLoss does not take 'smoth' (did you mean 'smooth'?)
    """
    signature: inspect.Signature = vars(cls)["__signature__"]
    takes = signature.parameters
    if any(each.kind is each.VAR_KEYWORD for each in takes.values()):
        return
    explained: tuple[str, ...] = getattr(cls, "explained", ())
    wrong = [name for name in given if name not in takes and name not in explained]
    if not wrong:
        return
    hints = "; ".join(f"{n!r}{_hint(n, list(takes))}" for n in wrong)
    known = ", ".join(f"{name}={each.default!r}" for name, each in takes.items())
    raise UnknownOptionError(
        f"{cls.__name__} does not take {hints}. It takes {known}. Where a config merged keys into"
        " those of another loss, write _delete_=True beside type"
    )


def _hint(name: str, takes: list[str]) -> str:
    if name in MEANING:
        return f" ({MEANING[name]})"
    near = difflib.get_close_matches(name.lower(), takes, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
