"""Compile all kernels for the processors of a level, into the folder that a wheel carries.

    python tools/build_kernels.py                      # all levels of this machine
    python tools/build_kernels.py --levels x86-64-v2
    python -m pip wheel --no-deps --no-build-isolation -w dist .

One folder a version of Numba and of Python: run it in an environment of each that a wheel is to
serve. Kernels are compiled by calling everything that calls one (``tests/test_bounds.py``), so the
test extra is needed. Folders of other sources are removed first.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def build(level: str) -> None:
    """Compile in this process, which was started for the level, and write the folder."""
    sys.path.insert(0, str(ROOT))
    import pytest

    code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", str(ROOT / "tests/test_bounds.py")])
    if code:
        raise SystemExit(int(code))
    from seglosses.primitives import _kernels_shipped as shipped

    folder = shipped.SHIPPED / shipped.folder_name(level)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = size = 0
    for kernel in kernels():
        cache = kernel._cache.behind
        versions = {}
        for code in kernel.overloads.values():
            if cache._impl.check_cachable(code):
                versions[code.signature.args] = cache._impl.reduce(code)
        if versions:
            path = shipped.file_of(kernel.py_func, folder)
            shipped.write_kernel(path, versions)
            count, size = count + 1, size + path.stat().st_size
    (folder / "stamp").write_bytes(shipped.stamp())
    print(f"{folder.relative_to(ROOT)}: {count} kernels, {size / 1e6:.1f} MB")


def kernels() -> list[Any]:
    """Every kernel that is called from Python."""
    import seglosses

    found = []
    for module_info in pkgutil.walk_packages(seglosses.__path__, "seglosses."):
        if "kernels" in module_info.name:
            module = importlib.import_module(module_info.name)
            found += [
                value
                for name, value in vars(module).items()
                if hasattr(value, "nopython_signatures")
                and value.__module__ == module.__name__
                and not name.startswith("_")
            ]
    return found


def main(argv: list[str] | None = None) -> int:
    """Build every level in a process of its own."""
    from seglosses.primitives import _kernels_shipped as shipped

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--levels", nargs="*", default=list(shipped.level_of_machine()))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.one:
        build(options.one)
        return 0
    for folder in shipped.SHIPPED.glob("*"):
        if not (folder / "stamp").is_file() or (folder / "stamp").read_bytes() != shipped.stamp():
            shutil.rmtree(folder)
    for level in options.levels:
        with tempfile.TemporaryDirectory() as cache:
            env = {
                **os.environ,
                "NUMBA_CPU_NAME": level,
                "NUMBA_CPU_FEATURES": "",
                "NUMBA_CACHE_DIR": cache,
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            }
            subprocess.run(
                [sys.executable, __file__, "--one", level], env=env, cwd=ROOT, check=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
