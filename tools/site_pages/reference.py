"""The reference: what each public module exports, from its docstrings."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

from seglosses.catalogue import loss_classes
from seglosses.catalogue.listing import Item, hooks

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
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for name, (title, modules) in PAGES.items():
        lines = [f"# {title}", ""]
        seen: set[str] = set()
        for module in modules:
            for path in _exported(module):
                if path not in seen and f"::: {path}\n" not in shown:
                    seen.add(path)
                    lines += [f"::: {path}", ""]
        (folder / f"{name}.md").write_text("\n".join(lines))
        pages.append((title, f"{name}.md"))
    (folder / "openmmlab.md").write_text(_registered(hooks()))
    return [*pages, ("Names in configs", "openmmlab.md")]


def _exported(module: str) -> list[str]:
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


def _registered(items: list[Item]) -> str:
    """Hooks, metrics, transforms, models: told from the source, for OpenMMLab may be absent."""
    lines = ["# Names in configs", "", "What a config of OpenMMLab can name beside losses.", ""]
    for item in items:
        call, _, doc = item.detail.partition("\n\n")
        lines += [f"## {item.name}", "", f"*{item.kind}*", "", "```python", call, "```", ""]
        lines += ["```text", doc, "```", ""]
    return "\n".join(lines)
