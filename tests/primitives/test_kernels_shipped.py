"""Kernels that the wheel brings compiled: used where they fit, named where they are damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numba
import pytest

from seglosses.primitives import _kernels_shipped as shipped
from seglosses.primitives._kernels_compiled import kernel

ROOT = Path(__file__).parents[2]


def thrice(number):
    return 3 * number


class Refusing:
    """Numba's cache, where nothing must be compiled."""

    cache_path = ""

    def flush(self):
        pass

    def save_overload(self, signature, code):
        pass

    def load_overload(self, signature, target):
        raise AssertionError(f"{signature} is compiled")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    """What other runs have compiled cannot be written again; nothing shipped checks bounds."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    monkeypatch.setattr(numba.config, "BOUNDSCHECK", None)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A shipped folder with one kernel in it."""
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path)
    shipped._folder.cache_clear()
    made = kernel(thrice)
    assert made(2) == 6
    folder = tmp_path / shipped.folder_name(shipped.level_of_machine()[0])
    folder.mkdir()
    impl = made._cache.behind._impl
    codes = {code.signature.args: impl.reduce(code) for code in made.overloads.values()}
    shipped.write_kernel(shipped.file_of(thrice, folder), codes)
    (folder / "stamp").write_bytes(shipped.stamp())
    shipped._folder.cache_clear()
    yield folder
    shipped._folder.cache_clear()


def test_what_is_shipped_is_not_compiled(folder) -> None:
    made = kernel(thrice)
    made._cache.behind = Refusing()
    assert made(5) == 15
    with pytest.warns(RuntimeWarning, match="float64,. is compiled"):
        assert made(0.5) == 1.5


@pytest.mark.parametrize("what", ["sources", "versions"])
def test_other_sources_and_other_versions_are_compiled_without_a_word(folder, what) -> None:
    if what == "sources":
        (folder / "stamp").write_bytes(b"other")
    else:
        folder.rename(folder.with_name(folder.name.replace("numba", "numba0")))
    made = kernel(thrice)
    assert made._cache._versions() == {}
    assert made(5) == 15


def test_a_damaged_file_is_named_and_compiled_anew(folder) -> None:
    path = shipped.file_of(thrice, folder)
    path.write_bytes(path.read_bytes()[:-9])
    made = kernel(thrice)
    with pytest.warns(RuntimeWarning, match=r"thrice in .*thrice\.kernel is damaged"):
        assert made(5) == 15


def test_a_damaged_cache_of_numba_is_named_and_compiled_anew(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "none")
    shipped._folder.cache_clear()
    made = kernel(thrice)
    made(2)
    files = sorted(Path(made._cache.cache_path).glob("*.thrice-*.nbc"))
    assert files
    for path in files:
        path.write_bytes(b"damaged")
    with pytest.warns(RuntimeWarning, match="thrice in .* is damaged"):
        assert kernel(thrice)(5) == 15
    assert kernel(thrice)(5) == 15


FIRST_CALLS = """
import time, numpy as np
rng = np.random.default_rng(0)
soft, mask = rng.random((24, 24)).astype("f4"), rng.random((24, 24)) > 0.5
volume, label = rng.random((6, 6, 6)).astype("f4"), rng.random((6, 6, 6)) > 0.5
from seglosses.topology import betti_matching, matching_error
from seglosses import topology
betti_matching(soft, mask), betti_matching(soft > 0.5, mask), matching_error(soft > 0.5, mask)
betti_matching(volume, label), betti_matching(volume, volume[::-1])
from seglosses.topology.kernels import grid, reduction
print(topology.__file__)
print(sum(sum(k.stats.cache_misses.values()) for k in (grid.contract_2d, reduction.reduce_columns)))
"""


@pytest.mark.slow
def test_the_wheel_brings_its_kernels(tmp_path) -> None:
    level = shipped.level_of_machine()[0]
    mark = shipped.SHIPPED / shipped.folder_name(level) / "stamp"
    if not mark.is_file() or mark.read_bytes() != shipped.stamp():
        build = [sys.executable, str(ROOT / "tools/build_kernels.py"), "--levels", level]
        subprocess.run(build, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "-w", str(tmp_path), str(ROOT)], check=True, cwd=tmp_path)
    (built,) = tmp_path.glob("seglosses-*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path / "installed")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "PYTHON"))}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", FIRST_CALLS],
        cwd=tmp_path,
        env={
            **environment,
            "PYTHONPATH": str(tmp_path / "installed"),
            "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    place, misses = run.stdout.split()
    assert Path(place).is_relative_to(tmp_path)
    assert misses == "0"
    assert not list((tmp_path / "cache").rglob("*.nbc"))
