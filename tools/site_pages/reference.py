"""The reference: what each public module exports, from its docstrings."""

from __future__ import annotations

import importlib
import inspect
import json
from functools import cached_property
from pathlib import Path
from types import FunctionType

from seglosses.catalogue import loss_classes
from seglosses.catalogue.listing import hooks
from seglosses.losses.loss import Loss

#: Page, title, and the modules whose names it shows.
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "losses": ("Functions of losses, and bases", ("seglosses.losses", *(f"seglosses.losses.{part}"
                for part in ("base", "classwise", "rows", "schedule", "balance")))),
    "metrics": ("Metrics", ("seglosses.metrics", "seglosses.metrics.detection")),
    "topology": ("Topology", ("seglosses.topology",)),
    "inputs": ("Extra inputs, attributions, label maps", ("seglosses.extra_inputs",
                "seglosses.attributions", "seglosses.losses.label_maps")),
    "tools": ("Evaluate, compare, advise, calibrate", ("seglosses.evaluate", "seglosses.compare",
               "seglosses.advise", "seglosses.calibrate")),
    "datasets": ("Data sets", tuple(f"seglosses.datasets.{part}" for part in ("bricks", "vessels",
                  "write", "arrange", "check", "coco", "topomortar"))),
    "laws": ("Laws and audit", ("seglosses.laws", "seglosses.audit")),
}  # fmt: skip

#: What is shown of a class, where it has a docstring.
METHODS = (FunctionType, classmethod, staticmethod, property, cached_property)

#: How the command line reaches a module.
COMMANDS = ("add_arguments", "run")


def write(folder: Path, shown: str) -> list[tuple[str, str]]:
    """Write all pages of the reference.

    Args:
        folder: Where they go.
        shown: Text of the gallery; a function that stands there is not shown twice.

    Returns:
        Title and name of each page.
    """
    from site_pages import config_names  # Griffe is of the extra that builds pages

    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for name, (title, modules) in PAGES.items():
        lines = [f"# {title}", ""]
        seen: set[str] = set()
        for module in modules:
            for path in exported(module):
                if path not in seen and f"::: {path}\n" not in shown:
                    seen.add(path)
                    lines += [f"::: {path}", *_members(path), ""]
        (folder / f"{name}.md").write_text("\n".join(lines))
        pages.append((title, f"{name}.md"))
    (folder / "openmmlab.md").write_text(config_names.page(hooks()))
    return [*pages, ("Names in configs", "openmmlab.md")]


def exported(module: str) -> list[str]:
    """Paths of the classes and functions that a module exports, at their homes."""
    home = importlib.import_module(module)
    names = getattr(home, "__all__", None) or [n for n in vars(home) if not n.startswith("_")]
    found = []
    for name in sorted(names):
        member = getattr(home, name)
        if not (inspect.isclass(member) or inspect.isfunction(member)):
            continue
        imported = not hasattr(home, "__all__") and member.__module__ != module
        if imported or name in COMMANDS or name in loss_classes():
            continue
        if member.__module__.startswith("seglosses."):
            found.append(f"{member.__module__}.{member.__qualname__}")
    return found


def _members(path: str) -> list[str]:
    """The option that shows methods and properties of a class of ours.

    What losses inherit stands with their bases; other classes show inherited members too.
    """
    module, _, name = path.rpartition(".")
    member = getattr(importlib.import_module(module), name)
    if not inspect.isclass(member):
        return []
    homes = [member] if issubclass(member, Loss) else member.__mro__
    shown = {
        each: None
        for home in homes
        if home.__module__.startswith("seglosses.")
        for each, value in vars(home).items()
        if isinstance(value, METHODS) and value.__doc__ and not each.startswith("_")
    }
    if not shown:
        return []
    names = json.dumps(list(shown))
    return ["    options:", f"      members: {names}", f"      inherited_members: {names}"]
