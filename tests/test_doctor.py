from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from seglosses.cli import main
from seglosses.doctor import examine, installed, requirements

GOOD = {
    "onedl-mmengine": "0.10.12",
    "onedl-mmcv": "2.3.6",
    "onedl-mmsegmentation": "1.4.2",
    "setuptools": "84.2.1",
}


def troubles(versions, mmcv_ops=None):
    return [finding.trouble for finding in examine(versions, mmcv_ops=mmcv_ops)]


def test_onedl_segmentation_needs_no_ops():
    assert troubles(GOOD, "No module named 'mmcv._ext'") == []


@pytest.mark.parametrize(
    ("versions", "ops", "words"),
    [
        ({**GOOD, "mmengine": "0.10.7", "setuptools": "80.0"}, None, "both install the module"),
        ({"mmcv": "2.2.0", "mmdet": "3.3.0"}, None, "refuse mmcv 2.2.0"),
        ({"onedl-mmcv": "2.3.6", "mmsegmentation": "1.2.2"}, None, "refuse mmcv 2.3.6"),
        ({"mmengine": "0.10.7", "setuptools": "82.0.1"}, None, "pkg_resources"),
        ({**GOOD, "onedl-mmdetection": "3.5.1"}, "No module named 'mmcv._ext'", "no compiled ops"),
    ],
)
def test_each_known_mixture_is_named(versions, ops, words):
    found = troubles(versions, ops)
    assert len(found) == 1
    assert words in found[0]


def test_upstream_with_fitting_versions_is_sound():
    versions = {
        "mmengine": "0.10.7",
        "mmcv": "2.1.0",
        "mmsegmentation": "1.2.2",
        "setuptools": "80.9.0",
    }
    assert troubles(versions) == []


def test_every_finding_has_a_remedy():
    versions = {"mmengine": "0.10.7", "onedl-mmengine": "0.10.12", "setuptools": "84.0"}
    assert all(finding.remedy for finding in examine(versions, mmcv_ops=None))


def test_each_floor_that_is_missed_is_named():
    floors = {"torch": "2.4", "numpy": "1.23", "scikit-image": "0.20", "typing-extensions": "4.5"}
    fitting = {"torch": "2.4.0+cpu", "numpy": "1.23.5", "scikit-image": "0.20", "joblib": "1.3"}
    found = examine({**fitting, "typing-extensions": "4.16.0"}, mmcv_ops=None, floors=floors)
    assert found == []
    found = examine(fitting, mmcv_ops=None, floors=floors)
    assert [one.trouble for one in found] == [
        "typing-extensions is not installed, which seglosses needs"
    ]
    assert "'typing-extensions>=4.5'" in found[0].remedy
    old = {**fitting, "typing-extensions": "4.5.0", "torch": "2.3.1"}
    (one,) = examine(old, mmcv_ops=None, floors=floors)
    assert one.trouble == "torch 2.3.1 is older than seglosses needs"
    assert "'torch>=2.4'" in one.remedy


def test_the_floors_are_those_of_the_package():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    listed = text.partition("\ndependencies = [")[2].partition("\n]")[0]
    assert list(requirements().items()) == re.findall(r'"([\w-]+)>=([\d.]+)"', listed)
    assert "torch" in requirements()


def test_a_machine_without_torch_is_told_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("seglosses.doctor.requirements", lambda: {"no-torch": "2.4"})
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "no-torch      not installed" in out
    assert "no-torch is not installed, which seglosses needs" in out
    assert "device        torch does not load: " in out
    assert "wrong: torch does not load: " in out
    assert "2 things are wrong" in out


def test_command_prints_what_is_installed(capsys):
    status = main(["doctor"])
    out = capsys.readouterr().out
    assert installed()["torch"] in out
    assert status == (0 if "nothing is wrong" in out else 1)


def test_one_trouble_is_one(monkeypatch, capsys):
    monkeypatch.setattr("seglosses.doctor.requirements", lambda: {"no-torch": "2.4"})
    monkeypatch.setattr("seglosses.doctor._OWNERS", {"mmcv": ()})
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.endswith("\n1 thing is wrong\n")
