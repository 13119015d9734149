"""A module imports only from lower layers, never from a sibling; each library has its home."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "seglosses"
LAYERS = (
    {
        "_kernels_compiled",
        "_kernels_distance",
        "attributions",
        "blocks",
        "boxes",
        "distance",
        "encoding",
        "entropy",
        "extra_inputs",
        "first_order",
        "focusing",
        "foreground_focal",
        "label_edges",
        "lovasz_extension",
        "options",
        "overlap",
        "reduction",
        "skeleton",
        "soft_labels",
        "soft_skeleton",
        "softmax_counts",
        "soft_thinning",
        "statistics",
        "suppression",
        "topology",
    },
    {"losses", "metrics"},
    {"laws", "registry", "report", "datasets", "catalogue", "checkout", "doctor", "processes"},
    {"evaluate"},
    {"openmmlab"},
    {"benchmark", "demo", "audit", "converge"},
    {"cli"},
)
FLOOR = {room: floor for floor, rooms in enumerate(LAYERS) for room in rooms}
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
    for other in set(own) - {room, "__version__"}:
        below = FLOOR[other] < FLOOR[room] or FLOOR[other] == FLOOR[room] == 0
        assert below, f"{room} may not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_libraries_stay_at_home(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    tops = {name.split(".")[0] for name in imports(path)}
    if room in {"topology", "metrics", "distance", "skeleton"}:
        assert "torch" not in tops
    if room not in {"registry", "openmmlab"}:
        assert not tops & {"mmengine", "mmcv", "mmseg", "mmdet"}
    if not path.name.startswith("_kernels"):
        assert "numba" not in tops
