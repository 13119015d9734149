"""The table of mutations names places that are there, and tests that are there."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutations", ROOT / "tools" / "mutations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


def test_every_mutation_has_one_place(tool: ModuleType) -> None:
    table = [each for group in tool.groups().values() for each in group]
    assert len(table) == len(set(table)) >= 60
    for each in table:
        ast.parse(tool.mutated(each, ROOT))
        for test in each.tests.split():
            assert (ROOT / test).exists(), each.title


@pytest.mark.parametrize("text", ["", "a = 1\na = 1\n"])
def test_a_place_that_is_not_there_once_is_refused(
    tool: ModuleType, tmp_path: Path, text: str
) -> None:
    (tmp_path / "module.py").write_text(text)
    mutation = tool.Mutation("module.py", "a = 1", "a = 2", "tests")
    with pytest.raises(ValueError, match=r"expected once in module\.py, found [02] times"):
        tool.mutated(mutation, tmp_path)


def test_a_mutation_that_changes_nothing_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("a = 1\n")
    with pytest.raises(ValueError, match="stays as it is"):
        tool.mutated(tool.Mutation("module.py", "a = 1", "a = 1", "tests"), tmp_path)


TRY = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from mutations import Mutation, survives
folder = Path(sys.argv[2])
for tests in ("test_it.py", "test_kind.py"):
    mutation = Mutation("answer.py", "42", "43", tests)
    print(survives(mutation, folder / "copy", folder / "cache", folder / "log", 300))
"""


def test_a_test_that_notices_and_one_that_does_not(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "answer.py").write_text("ANSWER = 42\n")
    (copy / "test_it.py").write_text(
        "from answer import ANSWER\ndef test_value():\n    assert ANSWER == 42\n"
    )
    (copy / "test_kind.py").write_text(
        "from answer import ANSWER\ndef test_kind():\n    assert isinstance(ANSWER, int)\n"
    )
    # a process of its own, for it forks
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRY, str(ROOT / "tools"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["killed", "survived"]
    assert (copy / "answer.py").read_text() == "ANSWER = 42\n"
