"""Where compiled kernels are kept when the installation cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# As root any folder can be written, so Numba's trial of a folder is made to fail instead.
CALL = """
import tempfile

attempt = tempfile.TemporaryFile

def refuse(*args, dir=None, **options):
    if not str(dir).startswith({writable!r}):
        raise OSError("read-only")
    return attempt(*args, dir=dir, **options)

tempfile.TemporaryFile = refuse

from pathlib import Path

import numpy as np
from seglosses.primitives import _kernels_shipped

_kernels_shipped.SHIPPED = Path("nowhere")
from seglosses.topology.kernels.grid import list_marked

count, bits = list_marked(np.array([0, 1, 3], np.uint8), np.empty(4, np.int32))
assert (count, bits[:2].tolist()) == (2, [2, 1])
print(sum(list_marked.stats.cache_hits.values()))
"""


def call(home: Path, writable: Path) -> int:
    """Call a kernel in a new process and return how often the cache was hit."""
    settings = {**os.environ, "XDG_CACHE_HOME": str(home)}
    settings.pop("NUMBA_CACHE_DIR", None)
    run = subprocess.run(
        [sys.executable, "-c", CALL.format(writable=str(writable))],
        env=settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


def test_a_read_only_installation_is_cached_in_the_home_folder(tmp_path: Path) -> None:
    assert call(tmp_path, tmp_path) == 0
    assert list(tmp_path.rglob("grid.list_marked*.nbc"))
    assert call(tmp_path, tmp_path) == 1


def test_without_any_folder_kernels_are_compiled_each_time(tmp_path: Path) -> None:
    assert call(tmp_path, tmp_path / "nowhere") == 0
    assert not list(tmp_path.rglob("*.nbc"))
