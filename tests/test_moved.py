"""Old names of modules lead to the modules at their new places."""

from __future__ import annotations

import importlib
import pickle
import sys

import pytest

from seglosses._moved import MOVED


@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_name_is_the_module_at_its_new_place(old: str) -> None:
    new = importlib.import_module(f"seglosses.{MOVED[old]}")
    assert importlib.import_module(f"seglosses.{old}") is new
    assert new.__name__ == new.__spec__.name == f"seglosses.{MOVED[old]}"


def test_submodules_of_a_package_that_moved_exist_once() -> None:
    pytest.importorskip("mmengine")
    old = importlib.import_module("seglosses.openmmlab.hooks")
    assert old is importlib.import_module("seglosses.hosts.openmmlab.hooks")


def test_a_pickle_that_names_an_old_module_loads() -> None:
    loss = importlib.import_module("seglosses.losses").DiceLoss(smooth=2.0)
    text = pickle.dumps(loss, protocol=0).replace(
        b"seglosses.losses.overlap.region", b"seglosses.losses.region"
    )
    assert b"seglosses.losses.region" in text
    assert pickle.loads(text).smooth == 2.0


def test_the_old_name_of_map_losses_stays() -> None:
    module = importlib.import_module("seglosses.losses.classwise")
    assert module.ShapeLoss is module.MapLoss


def test_a_name_from_above_is_the_first_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, accumulator = (
        importlib.import_module(f"seglosses.{name}") for name in ("metrics", "evaluate.accumulator")
    )
    assert issubclass(metrics.Scores, accumulator.Scores)
    monkeypatch.delitem(sys.modules, "seglosses.hosts.torchmetrics", raising=False)
    monkeypatch.delitem(sys.modules, "seglosses.hosts.torchmetrics.scores", raising=False)
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(ModuleNotFoundError, match="torchmetrics"):
        importlib.import_module("seglosses.hosts.torchmetrics")
    assert metrics.Scores is accumulator.Scores
    with pytest.raises(AttributeError, match=r"seglosses\.metrics.*no attribute 'Score'"):
        metrics.Score  # noqa: B018
