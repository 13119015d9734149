"""How MkDocs reads our docstrings: examples as code, roles as names, defaults once, fields."""

from __future__ import annotations

import importlib
import re
from typing import Any

import griffe
from typing_extensions import is_typeddict

from site_pages.told import as_markdown, type_in_words, typed_fields

STATED = re.compile(r"^\s*\w+ \(default .+?\):", re.MULTILINE)


class Docstrings(griffe.Extension):
    """What Griffe changes in what it has read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Mend the text of a docstring, and leave out types that say nothing."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
        if isinstance(obj, griffe.Function):
            home = _runtime(obj)
            for parameter in obj.parameters:  # names of types lead Griffe to what they stand for
                if words := type_in_words(home, parameter.name):
                    parameter.annotation = words
            if words := type_in_words(home, "return"):
                obj.returns = words

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Give fields their types, and forget a constructor whose defaults are all stated."""
        if cls.docstring is None:
            return
        if STATED.search(cls.docstring.value):  # not even an inherited one, with other defaults
            cls.set_member("__init__", griffe.Function("__init__"))
        home = _runtime(cls)
        fields = typed_fields(home)
        if is_typeddict(home):
            keys = "".join(f"\n    {name}: {kind}" for name, kind in fields.items())
            cls.docstring.value += f"\n\nThe keys, each of which may be left out, are\n{keys}"
            return
        for name, kind in fields.items():
            cls.set_member(name, griffe.Attribute(name, annotation=kind))
        if issubclass(home, tuple):  # it is read, not made
            text = re.sub(r"^Args:$", "Attributes:", cls.docstring.value, flags=re.MULTILINE)
            cls.docstring.value = text


def _runtime(obj: griffe.Object) -> Any:
    """What was inspected."""
    found: Any = importlib.import_module(obj.module.path)
    for name in obj.path.removeprefix(f"{obj.module.path}.").split("."):
        found = getattr(found, name)
    return found
