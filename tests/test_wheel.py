"""Wheel and source distribution, installed where nothing else of the project is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.cli import COMMANDS

ROOT = Path(__file__).parents[1]
HOSTS = ("mm", "onedl_", "seglosses", "__editable__", "_onedl")
"""What the names of frameworks, and of this project, begin with in site-packages."""


def run(*words, cwd, status=0):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel, with compiled kernels where there are any, and the source distribution."""
    pytest.importorskip("build")
    source = tmp_path_factory.mktemp("source")
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("seglosses", "configs"):
        shutil.copytree(ROOT / name, source / name, ignore=skip)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "CHANGELOG.md",
                 "CITATION.cff"):  # fmt: skip
        shutil.copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source, cwd=out)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def fresh(folder, distribution, libraries):
    """An environment with this project from ``distribution``, and the libraries of a folder."""
    venv.create(folder)
    python = folder / "bin" / "python"
    words = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps",
             "--no-index", "--no-build-isolation", "--disable-pip-version-check"]  # fmt: skip
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    # after the installation: what it finds there it would take away first
    run(*words, distribution, cwd=folder)
    Path(site.strip(), "libraries.pth").write_text(f"{libraries}\n")
    return folder / "bin" / "seglosses"


@pytest.fixture(scope="module")
def with_hosts(built, tmp_path_factory):
    return fresh(tmp_path_factory.mktemp("full"), built[0], sysconfig.get_path("purelib"))


@pytest.fixture(scope="module")
def without_hosts(built, tmp_path_factory):
    """From the source distribution, beside PyTorch and the like alone."""
    libraries = tmp_path_factory.mktemp("libraries")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(HOSTS) and entry.suffix != ".pth":
            (libraries / entry.name).symlink_to(entry)
    folder = tmp_path_factory.mktemp("bare")
    # pip builds a wheel from it with the setuptools of that environment
    wheels = tmp_path_factory.mktemp("wheels")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
        "--disable-pip-version-check", "-w", wheels, built[1], cwd=wheels)  # fmt: skip
    return fresh(folder, next(wheels.glob("*.whl")), libraries)


@pytest.mark.slow
def test_the_readme_of_an_index_links_to_what_is_elsewhere(built):
    with zipfile.ZipFile(built[0]) as wheel:
        (name,) = (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
        text = wheel.read(name).decode()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 8
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    pictures = re.findall(r'!\[[^\]]*\]\(([^)]+)\)|src="([^"]+)"', text)
    assert pictures
    assert all("/raw/main/docs/" in markdown + tag for markdown, tag in pictures)


@pytest.mark.slow
def test_without_a_framework(without_hosts, tmp_path):
    def seglosses(*words, status=0):
        return run(without_hosts, *words, cwd=tmp_path, status=status)

    assert "ce_dice_cldice" in seglosses("list", "--mixins")
    assert "SoftClDiceLoss" in seglosses("list", "vessels")
    assert "none (seglosses.losses works without" in seglosses("doctor")
    assert "seglosses.DiceLoss" in seglosses("audit", "seglosses.DiceLoss")
    for folder, shift in (("gt", 0), ("pred", 2)):
        (tmp_path / folder).mkdir()
        mask = np.zeros((48, 64), np.uint8)
        mask[20:28, 10 + shift : 50] = 1
        Image.fromarray(mask).save(tmp_path / folder / "a.png")
    seglosses("evaluate", "pred", "gt", "--out", "scores", "--metrics", "dice,hd95", "--quiet")
    # 8 x 40 and 8 x 38 pixels: 2 * 304 / (320 + 304)
    assert "foreground,dice" in (tmp_path / "scores" / "summary.csv").read_text()
    assert "0.97435" in (tmp_path / "scores" / "summary.csv").read_text()
    seglosses("topology", "pred/a.png", "gt/a.png", "--out", "topology.png")
    assert (tmp_path / "topology.png").stat().st_size > 1000
    if "advise" in COMMANDS:
        assert seglosses("advise", "gt")
    before = sorted(tmp_path.rglob("*"))
    for words in (["demo"], ["benchmark", "run"], ["train", "bricks/unet_128.py"]):
        assert 'pip install "seglosses[onedl-seg]"' in seglosses(*words, status=2)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_with_mmsegmentation(with_hosts, tmp_path):
    pytest.importorskip("mmseg")

    def seglosses(*words):
        return run(with_hosts, *words, cwd=tmp_path)

    seglosses("bricks", "data", "--train", 4, "--val", 1, "--test", 2)
    short = ("--iters", 2, "--data", "data")
    seglosses("train", "configs/bricks/unet_128.py", "--loss", "ce", *short, "--work-dir", "one")
    assert (tmp_path / "one" / "iter_2.pth").is_file()
    assert "Betti" in seglosses("demo", *short, "--out", "demo")
    assert (tmp_path / "demo" / "report.html").stat().st_size > 10_000
    seglosses("benchmark", "run", *short, "--losses", "ce", "--seeds", "0", "--out", "runs")
    said = seglosses("benchmark", "report", "runs", "--baseline", "ce", "--out", "report")
    assert list((tmp_path / "report").glob("*.html")), said
