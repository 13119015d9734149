"""How MkDocs reads our docstrings: examples as code, roles as names, defaults once."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):`~?\.?([\w.]+)`")
STATED = re.compile(r"^\s*\w+ \(default .+?\):", re.MULTILINE)


class Docstrings(griffe.Extension):
    """What Griffe changes in what it has read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Mend the text of a docstring, and leave out types that say nothing."""
        if obj.docstring is not None:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
            obj.docstring.value = ROLE.sub(_named, text)
        if isinstance(obj, griffe.Function):
            for parameter in obj.parameters:
                if str(parameter.annotation) == "Union":  # of what was lost when it was inspected
                    parameter.annotation = None

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Forget the constructor of a class whose docstring has all defaults itself."""
        if cls.docstring is not None and STATED.search(cls.docstring.value):
            cls.members.pop("__init__", None)


def _named(found: re.Match[str]) -> str:
    return f"`{found[1].rsplit('.', 1)[-1]}`"
