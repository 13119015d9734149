"""Every head of both libraries, with ours in every slot: what comes out is what docs/heads.md says.

A part is the configs of one folder of a library; the tables hold which folder each row comes from.
"""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("mmseg")
pytest.importorskip("mmdet")
pytest.importorskip("mmcv.ops")

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "heads.md"
sys.path.append(str(ROOT / "tools"))

from head_walk import configs, table  # noqa: E402 -- tools are no package
from head_walk.rows import Row  # noqa: E402

PATHS = {"mmseg": configs.SEGMENTATION, "mmdet": configs.DETECTION}
PARTS = sorted({(name, path.split("/")[0]) for name in PATHS for path in PATHS[name]})


@pytest.fixture
def walker(part: tuple[str, str]) -> Iterator[ModuleType]:
    """The module that walks a library, in whose scope types are looked for."""
    library, _ = part
    # some of their modules warn, or write, when they are imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module(f"{library}.utils").register_all_modules(init_default_scope=True)
        name = {"mmseg": "segmentation", "mmdet": "detection"}[library]
        module = importlib.import_module(f"head_walk.{name}")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    yield module
    logging.disable(before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", PARTS, ids="/".join)
def test_heads_do_what_the_page_says(walker: ModuleType, part: tuple[str, str]) -> None:
    library, folder = part
    found: list[Row] = []
    for path in PATHS[library]:
        if path.split("/")[0] == folder:
            found += walker.walk(path)
    assert found
    assert table.unexplained(found) == []
    page = table.part(PAGE.read_text(encoding="utf-8"), library).splitlines()[2:]
    said = {line.rsplit(" | ", 1)[0] for line in page}
    here = {line for line in page if line.endswith(f" | {folder} |")}
    fresh = table.rendered(found).splitlines()[2:]
    assert {line.rsplit(" | ", 1)[0] for line in fresh} <= said
    assert here <= set(fresh)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", PATHS)
def test_no_head_is_left_out(library: str) -> None:
    importlib.import_module(f"{library}.utils").register_all_modules(init_default_scope=True)
    page = table.part(PAGE.read_text(encoding="utf-8"), library).splitlines()[2:]
    heads = [line.split(" | ")[0].removeprefix("| ") for line in page]
    assert table.unwalked(library, [Row("", head, "", "", "", "") for head in heads]) == []


def test_every_row_of_the_page_is_of_a_config_that_is_walked() -> None:
    for library in PATHS:
        page = table.part(PAGE.read_text(encoding="utf-8"), library).splitlines()[2:]
        folders = {line.rsplit(" | ", 1)[1].removesuffix(" |") for line in page}
        assert folders <= {folder for name, folder in PARTS if name == library}
        assert len(page) > 70


def test_a_value_that_is_not_the_hosts_is_a_row_of_its_own() -> None:
    from head_walk.models import Result
    from head_walk.rows import observe
    from head_walk.swaps import Swap

    own = Result({"loss_ce": 1.0}, [], True)
    for value, outcome in ((1.0005, "same"), (1.002, "differs"), (0.0, "differs")):
        new = Result({"loss_ce": value}, [], True)
        assert observe(own, lambda new=new: new, Swap({}, same=True))[0] == outcome  # type: ignore[misc]
    assert observe(own, lambda: own._replace(unused=["loss_x"]), Swap({}))[0] == "unused"
    assert observe(own, lambda: own._replace(corners=False), Swap({}))[0] == "silent"
    row = Row("a/b.py", "SomeHead", "loss_decode", "A", "B", "differs", "loss_ce 0.0 for 1.0")
    assert table.unexplained([row])
