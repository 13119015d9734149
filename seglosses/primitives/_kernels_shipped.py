"""Compiled kernels that come with the wheel, and those that this machine has compiled for itself.

Compiling all kernels takes a minute of CPU time, most of it in Numba's front end, and every fresh
environment would pay for what it calls. ``python tools/build_kernels.py`` compiles them for the
processors of a level (x86-64-v3 has AVX2, x86-64-v2 SSE4.2) and writes a folder that the wheel
carries: one file a kernel, for one version of Numba and of Python. They are used where all of this
fits and the sources are those that were compiled; anywhere else Numba compiles as ever.
"""

from __future__ import annotations

import hashlib
import pickle
import platform
import sys
import sysconfig
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
from numba.core.caching import FunctionCache

PACKAGE = Path(__file__).parents[1]
SHIPPED = PACKAGE / "_shipped_kernels"

#: What a processor must know for each level, the best one first.
LEVELS: dict[str, tuple[str, ...]] = {
    "x86-64-v3": ("avx2", "bmi", "bmi2", "fma", "f16c", "lzcnt", "movbe"),
    "x86-64-v2": ("sse4.2", "ssse3", "popcnt"),
    "generic": (),
}


def level_of_machine() -> tuple[str, ...]:
    """Levels of processors that this machine can run, the best one first."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return ("generic",)
    features = llvm.get_host_cpu_features()
    return tuple(
        level
        for level, needed in LEVELS.items()
        if needed and all(features.get(name) for name in needed)
    )


def folder_name(level: str) -> str:
    """Name of the folder of one level: everything that compiled code depends on but the sources."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    versions = f"numba{numba.__version__}-llvmlite{llvmlite.__version__}"
    return f"{versions}-{python}-{sysconfig.get_platform()}-{level}"


@lru_cache(maxsize=1)
def stamp() -> bytes:
    """Digest of all sources of kernels, which inline one another."""
    digest = hashlib.sha256()
    for path in sorted([*PACKAGE.rglob("_kernels*.py"), *PACKAGE.rglob("kernels/*.py")]):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.digest()


@lru_cache(maxsize=1)
def _folder() -> Path | None:
    """The shipped folder that fits this process and these sources, if there is one."""
    if not SHIPPED.is_dir():
        return None
    for level in level_of_machine():
        folder = SHIPPED / folder_name(level)
        mark = folder / "stamp"
        if mark.is_file() and mark.read_bytes() == stamp():
            return folder
    return None


def file_of(function: Any, folder: Path) -> Path:
    """Where a folder keeps a kernel."""
    return folder / f"{function.__module__}.{function.__qualname__}.kernel"


def write_kernel(path: Path, versions: dict[Any, Any]) -> None:
    """Write the compiled versions of a kernel, by signature.

    Args:
        path: File.
        versions: What Numba's cache would keep of each.
    """
    data = pickle.dumps(versions)
    path.write_bytes(hashlib.sha256(data).digest() + data)


def read_kernel(path: Path) -> dict[Any, Any]:
    """Read what :func:`write_kernel` wrote.

    Raises:
        ValueError: Where the file is damaged.
    """
    content = path.read_bytes()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise ValueError("its digest does not fit")
    versions: dict[Any, Any] = pickle.loads(content[32:])
    return versions


class KernelCache:
    """The cache of one kernel, in the place of Numba's own: shipped code first, then Numba's.

    Damaged files are named once and compiled anew.

    Args:
        function: The function to compile.
    """

    def __init__(self, function: Any) -> None:
        self.function = function
        try:
            self.behind = FunctionCache(function)
        except RuntimeError:
            # Numba found no folder for its cache: that is no reason not to import.
            self.behind = None
        self._shipped: dict[Any, Any] | None = None

    @property
    def cache_path(self) -> str | None:
        """Where Numba keeps what it compiles."""
        return None if self.behind is None else str(self.behind.cache_path)

    def enable(self) -> None:
        """As Numba's cache."""
        if self.behind is not None:
            self.behind.enable()

    def disable(self) -> None:
        """As Numba's cache."""
        if self.behind is not None:
            self.behind.disable()

    def flush(self) -> None:
        """As Numba's cache; what was shipped stays."""
        if self.behind is not None:
            self.behind.flush()

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The code of a signature, None where it has to be compiled."""
        target.refresh()
        known = self._versions().get(signature)
        if known is not None:
            try:
                return numba.core.compiler.CompileResult._rebuild(target, *known)
            except Exception as error:
                self._warn(file_of(self.function, SHIPPED), error)
        if self.behind is None:
            return None
        try:
            return self.behind.load_overload(signature, target)
        except Exception as error:
            self._warn(Path(self.behind.cache_path), error)
            self.behind.flush()
            return None

    def save_overload(self, signature: Any, code: Any) -> None:
        """Keep what was compiled for a signature."""
        if self.behind is not None:
            self.behind.save_overload(signature, code)

    def _versions(self) -> dict[Any, Any]:
        if self._shipped is None:
            self._shipped = {}
            folder = _folder()
            # Code that checks bounds, and code that can be debugged, is another.
            if folder is not None and not (numba.config.BOUNDSCHECK or numba.config.OPT != 3):
                path = file_of(self.function, folder)
                if path.is_file():
                    try:
                        self._shipped = read_kernel(path)
                    except Exception as error:
                        self._warn(path, error)
        return self._shipped

    def _warn(self, path: Path, error: Exception) -> None:
        warnings.warn(
            f"the compiled kernel {self.function.__name__} in {path} is damaged ({error}); "
            "it is compiled anew",
            RuntimeWarning,
            stacklevel=2,
        )
