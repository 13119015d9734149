"""A module imports only from lower layers, never from a sibling; each library has its home."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "seglosses"
LAYERS = (
    {"pages"},
    {"extra_inputs", "attributions", "_moved"},
    {"primitives"},
    {"topology"},
    {"losses", "metrics", "datasets"},
    {"laws", "report", "converge", "registry", "doctor"},
    {"audit", "evaluate"},
    {"hosts", "compare", "advise", "calibrate"},
    {"benchmark", "catalogue"},
    {"demo"},
    {"cli"},
    {"__main__", "tools"},
)
FAMILIES = {p.name for p in (ROOT / "losses").iterdir() if (p / "__init__.py").is_file()}
FLOOR = {room: floor for floor, rooms in enumerate(LAYERS) for room in rooms}
TOOLS = ROOT.parent / "tools"
PAGE = ROOT.parent / "docs" / "architecture.md"
FILES = [p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).parts[0] not in
         {"__init__.py", "__main__.py"}]  # fmt: skip


def imports(path: Path) -> set[str]:
    """Full names of everything a file imports; ``from a import b`` gives ``a.b``."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert room in FLOOR, f"{room} has no layer: add it to LAYERS in this test"
    own = [name.split(".")[1] for name in imports(path) if name.startswith("seglosses.")]
    for other in {*own} - {room, "__version__"}:
        below = FLOOR[other] < FLOOR[room]
        assert below, f"{room} may not import {other}"


def arrows() -> dict[str, set[str]]:
    """Which rooms each room imports; faces that only hand names on count as their rooms do."""
    found: dict[str, set[str]] = {}
    for path in [*ROOT.rglob("*.py"), *TOOLS.rglob("*.py")]:
        inside = path.is_relative_to(ROOT)
        room = path.relative_to(ROOT).parts[0].removesuffix(".py") if inside else "tools"
        named = {name.split(".")[1] for name in imports(path) if name.startswith("seglosses.")}
        others = (named & {*FLOOR}) - {room}
        if room != "__init__" and others:
            found.setdefault(room, set()).update(others)
    return found


def test_the_drawn_house_is_the_one_that_stands():
    text = (
        PAGE.read_text(encoding="utf-8").partition("## Rooms and arrows")[2].partition("\n## ")[0]
    )
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    drawn = {room: set(re.findall(r"\w+", others)) for room, others in rows}
    assert drawn == arrows(), "draw the arrow in docs/architecture.md, or do without it"
    rooms = {*drawn}.union(*drawn.values())
    assert f"{len(rooms)} rooms and {sum(map(len, drawn.values()))} arrows" in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_families_of_losses_do_not_know_each_other(path):
    parts = path.relative_to(ROOT).parts
    if parts[0] != "losses" or parts[1] == "__init__.py":
        return
    named = {n.split(".")[2] for n in imports(path) if n.startswith("seglosses.losses.")}
    own = {parts[1]} if parts[1] in FAMILIES else set()
    assert not named & FAMILIES - own, f"{path} imports from a sibling family"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_libraries_stay_at_home(path):
    parts = path.relative_to(ROOT).parts
    room = parts[0].removesuffix(".py")
    tops = {name.split(".")[0] for name in imports(path)}
    if room in {"topology", "metrics"} or parts == ("primitives", "distance.py"):
        assert "torch" not in tops
    if room not in {"registry", "hosts"}:
        assert not tops & {"mmengine", "mmcv", "mmseg", "mmdet"}
    if not path.name.startswith("_kernels") and path.parent.name != "kernels":
        assert "numba" not in tops


def at_import(node: ast.AST) -> set[str]:
    """Full names of what is imported as soon as a module is: not in functions, nor for types."""
    if isinstance(node, ast.FunctionDef) or (
        isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ):
        return set()
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for child in ast.iter_child_nodes(node) for name in at_import(child)}


def files_of(name: str) -> list[Path]:
    """The files of a module, or of the module that holds a name, and of its packages."""
    parts = name.split(".")[1:]
    places = [ROOT.joinpath(*parts[:end]) for end in range(len(parts) + 1)]
    return [
        file
        for place in places
        for file in (place / "__init__.py", place.with_suffix(".py"))
        if file.is_file()
    ]


def test_files_import_each_other_in_no_circle():
    """Imports in functions, and those for types alone, count too."""
    files = {}
    for path in ROOT.rglob("*.py"):
        own = [name for name in imports(path) if name.startswith("seglosses.")]
        files[path] = {files_of(name)[-1] for name in own} - {path}
    order = [*TopologicalSorter(files).static_order()]
    assert order.index(ROOT / "losses/box/iou.py") < order.index(ROOT / "losses/__init__.py")


@pytest.mark.parametrize("room", ["topology", "metrics"])
def test_torch_is_not_loaded_by_what_is_imported(room):
    todo = sorted((ROOT / room).rglob("*.py"))
    seen = set(todo)
    while todo:
        path = todo.pop()
        names = at_import(ast.parse(path.read_text(encoding="utf-8")))
        assert "torch" not in {name.split(".")[0] for name in names}, path
        for name in names:
            if name.startswith("seglosses."):
                more = set(files_of(name)) - seen
                seen |= more
                todo += more


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_signature_takes_anything(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.args.kwarg:
            kind = node.args.kwarg.annotation
            said = kind is not None and ast.unparse(kind) != "Any"
            assert said, f"{path}:{node.lineno}: say what **{node.args.kwarg.arg} are"
