"""Old names of modules lead to the modules at their new places."""

from __future__ import annotations

import importlib
import pickle
import sys
from pathlib import Path

import pytest

from seglosses._moved import LEFT, MOVED
from tests.reference.names_0_1 import DEFINED, EXPORTED

#: Every public name of every module before the modules were laid into rooms, a module per line.
BEFORE = dict(
    line.split(": ")
    for line in (Path(__file__).parent / "reference/names_before_rooms.txt")
    .read_text("utf-8")
    .splitlines()
)
#: Those that are gone, each with its successor in the changelog.
GONE = {
    "seglosses.audit.examination": "grouped",
    "seglosses.benchmark.comparison": "mean",
    "seglosses.benchmark.plan": "FRAMEWORK",
    "seglosses.benchmark.scores": "CONVENTIONS",
    "seglosses.checkout": "need_checkout",
    "seglosses.demo.runs": "Run Setting plan",
    "seglosses.evaluate.cluster": "on_cluster",
    "seglosses.evaluate.detections": "MEANING",
    "seglosses.evaluate.spread": "fine_grained_spread resampled_means",
    "seglosses.evaluate.topomortar": "WINDOW",
    "seglosses.losses.planes": "constant_maps",
    "seglosses.losses.topology_matching": "Features",
    "seglosses.report.legend": "topology_legend",
    "seglosses.statistics": "resampled_ratios",
    "seglosses.topology.tunnels": "MOST_ROWS match_loops",
}


@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_name_is_the_module_at_its_new_place(old: str) -> None:
    new = importlib.import_module(f"seglosses.{MOVED[old]}")
    assert importlib.import_module(f"seglosses.{old}") is new
    assert new.__name__ == new.__spec__.name == f"seglosses.{MOVED[old]}"


@pytest.mark.parametrize("package", sorted(EXPORTED))
def test_what_0_1_exported_is_exported(package: str) -> None:
    if "openmmlab" in package:
        pytest.importorskip("mmengine")
    module = importlib.import_module(package)
    assert [name for name in EXPORTED[package].split() if name not in module.__all__] == []


@pytest.mark.parametrize("module", sorted(DEFINED))
def test_a_loss_is_found_where_0_1_defined_it(module: str) -> None:
    losses, found = (importlib.import_module(name) for name in ("seglosses.losses", module))
    for name in DEFINED[module].split():
        assert getattr(found, name) is getattr(losses, name)
    with pytest.raises(AttributeError, match="has no attribute 'NoLoss'"):
        found.NoLoss  # noqa: B018


@pytest.mark.parametrize("module", sorted(BEFORE))
def test_a_name_of_a_module_is_found_or_the_changelog_names_its_successor(module: str) -> None:
    gone = GONE.get(module, "").split()
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "seglosses":
            pytest.skip(f"{error.name} is not installed")
        found = None
    missing = [name for name in BEFORE[module].split() if not hasattr(found, name)]
    assert missing == gone
    changes = (Path(__file__).parents[1] / "CHANGELOG.md").read_text("utf-8")
    lost = f"`{module.removeprefix('seglosses.')}`" if found is None else ""
    assert [name for name in ([lost] if found is None else gone) if name not in changes] == []


@pytest.mark.parametrize("module", sorted(LEFT))
def test_a_name_that_left_a_module_is_the_one_at_its_new_place(module: str) -> None:
    if "openmmlab" in module:
        pytest.importorskip("mmengine")
    old = importlib.import_module(f"seglosses.{module}")
    for name, place in LEFT[module].items():
        home, _, now = place.rpartition(".")
        assert getattr(old, name) is getattr(importlib.import_module(f"seglosses.{home}"), now)
    with pytest.raises(AttributeError, match="has no attribute 'NoName'"):
        old.NoName  # noqa: B018


def test_submodules_of_a_package_that_moved_exist_once() -> None:
    pytest.importorskip("mmengine")
    old = importlib.import_module("seglosses.openmmlab.hooks")
    assert old is importlib.import_module("seglosses.hosts.openmmlab.hooks")


@pytest.mark.parametrize(("name", "now"), [("DiceLoss", b"region"), ("TverskyLoss", b"tversky")])
def test_a_pickle_that_names_an_old_module_loads(name: str, now: bytes) -> None:
    loss = getattr(importlib.import_module("seglosses.losses"), name)(smooth=2.0)
    text = pickle.dumps(loss, protocol=0).replace(
        b"seglosses.losses.overlap." + now, b"seglosses.losses.region"
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
