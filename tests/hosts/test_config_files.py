"""Configs are found in a clone, in an installed package, and nowhere else."""

from __future__ import annotations

import pytest

from seglosses.benchmark import checkout
from seglosses.hosts import config_files


def installed(tmp_path, monkeypatch, *, ours=True):
    """A made-up site-packages, with somebody else's top-level configs."""
    package = tmp_path / "seglosses"
    for folder in (tmp_path / "configs" / "losses", *([package / "configs" / "losses"] * ours)):
        folder.mkdir(parents=True)
        (folder / "theirs.py").touch()
    if ours:
        (package / "configs" / "losses" / "ce_dice.py").touch()
    monkeypatch.setattr(config_files, "PACKAGE", package)
    return package / "configs"


def test_the_package_wins_over_a_neighbour_of_that_name(tmp_path, monkeypatch):
    assert config_files.config_folder() != installed(tmp_path, monkeypatch)
    assert config_files.config_folder() == tmp_path / "seglosses" / "configs"
    assert config_files.mixin_names() == ["ce_dice", "theirs"]


def test_a_package_without_configs_says_how_to_install_it(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, ours=False)
    with pytest.raises(ValueError, match=r"copied and not installed: pip install"):
        config_files.config_folder()


def test_a_file_of_ones_own_wins_over_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "bricks" / "unet_128.py"
    assert config_files.find_config("bricks/unet_128.py") != own.relative_to(tmp_path)
    own.parent.mkdir()
    own.touch()
    assert config_files.find_config("bricks/unet_128.py") == own.relative_to(tmp_path)


@pytest.mark.parametrize("name", ["losses/nosuch.py", "/bricks/unet_128.py"])
def test_what_is_not_there_lists_ours(name):
    with pytest.raises(ValueError, match=r"none of ours: bricks/distill_unet_128\.py, bricks/unet"):
        config_files.find_config(name)


def test_no_commit_is_taken_from_a_clone_that_holds_the_installation(tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "ROOT", tmp_path)  # no .git of its own
    assert checkout.commit() == ""
