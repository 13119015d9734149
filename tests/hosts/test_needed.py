"""What a command needs is said before it writes anything."""

from __future__ import annotations

import importlib.util
import sys
import types

import pytest

from seglosses.cli import main
from seglosses.hosts.needed import MMSEG, Host, need


@pytest.fixture
def without_hosts(monkeypatch):
    real = importlib.util.find_spec
    absent = {"mmengine", "mmcv", "mmseg", "nnunetv2"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name in absent else real(name, *a)
    )


@pytest.mark.usefixtures("without_hosts")
@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--out", "out"],
        ["benchmark", "run", "--losses", "ce", "--out", "out"],
        ["train", "configs/bricks/unet_128.py", "--work-dir", "out"],
        ["test", "configs/bricks/unet_128.py", "x.pth", "--out", "out"],
    ],
)
def test_a_missing_host_is_named_with_its_extra_before_anything_is_written(
    words, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr()
    assert 'pip install "seglosses[onedl-seg]"' in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_hosts")
def test_all_that_is_missing_is_named():
    with pytest.raises(ValueError, match="mmengine and mmcv and mmseg are not installed"):
        need(MMSEG, "this")


def test_a_host_that_cannot_be_imported_says_why(tmp_path, monkeypatch):
    (tmp_path / "grumpyhost.py").write_text("assert False, 'wants mmcv < 2.2'\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"AssertionError: wants mmcv < 2\.2.*seglosses doctor"):
        need(Host("Grumpy", ("grumpyhost",), "grumpy"), "this")


def test_what_is_there_is_quiet(monkeypatch):
    module = types.ModuleType("kindhost")
    module.__spec__ = importlib.util.spec_from_loader("kindhost", None)
    monkeypatch.setitem(sys.modules, "kindhost", module)
    need(Host("Kind", ("kindhost",), "kind"), "this")
