from __future__ import annotations

import pytest

from seglosses.cli import main
from seglosses.doctor import examine, installed

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


def test_command_prints_what_is_installed(capsys):
    status = main(["doctor"])
    out = capsys.readouterr().out
    assert installed()["torch"] in out
    assert status == (0 if "nothing is wrong" in out else 1)
