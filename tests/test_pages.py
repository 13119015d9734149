"""Messages name pages where their readers can find them."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seglosses import pages

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"\b(?:docs|data|tools|tests)/[\w/]+\.\w+")


def docstrings(tree: ast.Module) -> set[int]:
    """Ids of the strings that are statements: what readers of the source see."""
    return {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}


def named_pages() -> list[tuple[str, ast.Constant, bool]]:
    """Every file of the project in a string of the package, and whether ``page`` looks for it."""
    found = []
    for path in sorted((ROOT / "seglosses").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        skipped = docstrings(tree)
        asked = {
            id(word)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "page"
            for word in node.args
        }
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and id(node) not in skipped and NAMED.search(text):
                name = f"{path.relative_to(ROOT)}:{node.lineno}"
                found.append((name, node, id(node) in asked))
    return found


def test_no_message_names_a_file_that_an_installed_package_lacks() -> None:
    found = named_pages()
    assert len(found) > 5
    assert [name for name, _, asked in found if not asked] == []
    missing = [node.value for _, node, _ in found if not (ROOT / node.value).is_file()]
    assert missing == []


def test_a_clone_names_its_file() -> None:
    assert pages.page("docs/evidence.md") == "docs/evidence.md"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (
            "Project-URL: Homepage, https://a.b\nProject-URL: Source, https://c.d/e\n",
            "https://c.d/e/blob/main/docs/evidence.md",
        ),
        ("", "docs/evidence.md"),
        (None, "docs/evidence.md"),
    ],
)
def test_an_installed_package_names_an_address(
    tmp_path: Path, stated: str | None, expected: str
) -> None:
    (tmp_path / "seglosses").mkdir()
    shutil.copy(ROOT / "seglosses/pages.py", tmp_path / "seglosses")
    (tmp_path / "seglosses/__init__.py").touch()
    if stated is not None:
        info = tmp_path / "seglosses-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: seglosses\n{stated}", "utf-8")
    script = "from seglosses.pages import page; print(page('docs/evidence.md'))"
    words = [sys.executable, "-S", "-c", script]
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == expected
