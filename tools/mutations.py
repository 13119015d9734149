"""Change the package a little, one place at a time, and see whether its nearest tests notice.

    python tools/mutations.py --list
    python tools/mutations.py --group metrics
    python tools/mutations.py --only cldice

A group is a module in ``tools/mutation_groups`` with a table ``MUTATIONS``. Each mutation is made
in a temporary copy of the package and undone again; a process that has loaded torch already is
forked for each, and runs the nearest tests up to the first that fails. A mutation that no test
notices has survived, and wants a test. Exit status 1 where any has.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import multiprocessing
import os
import pkgutil
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import mutation_groups

ROOT = Path(__file__).parents[1]
#: what the tests read, beside the package
COPIED = ("seglosses", "tests", "tools", "configs", "pyproject.toml", "README.md", "docs")
#: loaded before the first fork, where they are installed
LOADED = ("pytest", "torch", "numba", "scipy.ndimage", "skimage.morphology")
HOSTS = ("mmengine.runner", "mmseg.models", "mmdet.models")


class Mutation(NamedTuple):
    """One small change."""

    file: str  #: in the repository
    old: str  #: text that the file holds exactly once
    new: str
    tests: str  #: the nearest tests, beside the examples of the file itself

    @property
    def arguments(self) -> list[str]:
        """What pytest runs."""
        return [self.file, *self.tests.split()]

    @property
    def title(self) -> str:
        """Place and change on one line."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.file}: {old} -> {new}"


def groups() -> dict[str, list[Mutation]]:
    """Mutations of each group."""
    return {
        found.name: [
            Mutation(*row)
            for row in importlib.import_module(f"mutation_groups.{found.name}").MUTATIONS
        ]
        for found in pkgutil.iter_modules(mutation_groups.__path__)
    }


def mutated(mutation: Mutation, root: Path) -> str:
    """Text of the file with the change.

    Raises:
        ValueError: where the old text is not there exactly once, or nothing changes.
    """
    text = (root / mutation.file).read_text("utf-8")
    count = text.count(mutation.old)
    if count != 1:
        raise ValueError(
            f"expected once in {mutation.file}, found {count} times: {mutation.old!r}; write the"
            " line as it is now, with as much around it as makes it the only one"
        )
    if mutation.old == mutation.new:
        raise ValueError(f"{mutation.file}: {mutation.old!r} stays as it is")
    return text.replace(mutation.old, mutation.new)


def _run_tests(tests: Sequence[str], copy: Path, cache: Path, log: Path, first: bool) -> None:
    """Run in a process of its own: pytest in the copy, whose modules nothing has loaded yet."""
    # compiled files of what is changed would outlive the change
    sys.dont_write_bytecode = first
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    os.environ["NUMBA_CACHE_DIR"] = str(cache)
    sys.path[:] = [
        str(copy),
        *(p for p in sys.path if Path(p).resolve() not in (ROOT, ROOT / "tools")),
    ]
    with log.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        import numba
        import pytest

        numba.config.CACHE_DIR = str(cache)
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        # of what was loaded before the fork
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning", *["-x"] * first]
        status = int(pytest.main([*options, *tests]))
        sys.stdout.flush()
    os._exit(status)


def _status(
    tests: Sequence[str], copy: Path, cache: Path, log: Path, limit: float, *, first: bool = True
) -> int | None:
    """Exit status of pytest, ``None`` where it took longer than ``limit`` seconds."""
    arguments = (tests, copy, cache, log, first)
    worker = multiprocessing.get_context("fork").Process(target=_run_tests, args=arguments)
    worker.start()
    worker.join(limit)
    if worker.is_alive():
        worker.kill()
        worker.join()
        return None
    return worker.exitcode


def _dependents(file: Path, root: Path) -> set[str]:
    """Modules of kernels that compile this one into theirs, by their last name."""
    kernels = [
        path
        for path in (root / "seglosses").rglob("*.py")
        if path.stem.startswith("_kernels") or path.parent.name == "kernels"
    ]
    found = {file.stem}
    while True:
        names = "|".join(map(re.escape, found))
        more = {
            path.stem for path in kernels if re.search(rf"\b({names}) import", path.read_text())
        }
        if more <= found:
            return found
        found |= more


def _cache_for(mutation: Mutation, copy: Path, shared: Path) -> Path:
    """The shared cache of compiled kernels, or one without what a changed kernel is part of."""
    file = copy / mutation.file
    if not (file.stem.startswith("_kernels") or file.parent.name == "kernels"):
        return shared
    own = shared.with_name("own_cache")
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(shared, own)
    gone = _dependents(file, copy)
    for entry in own.rglob("*.nb?"):
        if entry.name.split(".")[0] in gone:
            entry.unlink()
    return own


def survives(mutation: Mutation, copy: Path, shared: Path, log: Path, limit: float) -> str:
    """``killed``, ``killed by time`` or ``survived``.

    Raises:
        RuntimeError: where pytest found no test, or was called wrongly.
    """
    file = copy / mutation.file
    text, times = file.read_text("utf-8"), file.stat()
    file.write_text(mutated(mutation, copy), "utf-8")
    try:
        cache = _cache_for(mutation, copy, shared)
        status = _status(mutation.arguments, copy, cache, log, limit)
    finally:
        file.write_text(text, "utf-8")
        # compiled files know their source by its time
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    if status in (4, 5):
        raise RuntimeError(f"{mutation.title}: no tests in {mutation.tests}\n{log.read_text()}")
    return {None: "killed by time", 0: "survived"}.get(status, "killed")


def run(chosen: Sequence[Mutation], limit: float) -> list[Mutation]:
    """Try mutations one after the other, and print what became of each.

    Args:
        chosen: Mutations.
        limit: Seconds that the tests of one may take.

    Returns:
        Those that survived.

    Raises:
        RuntimeError: where the nearest tests fail without any mutation.
    """
    for each in chosen:
        mutated(each, ROOT)
    hosts = HOSTS if any("hosts" in each.tests for each in chosen) else ()
    for name in (*LOADED, *hosts):
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)
    alive = []
    with tempfile.TemporaryDirectory() as folder:
        copy, shared, log = (Path(folder) / name for name in ("copy", "cache", "log"))
        copy.mkdir()
        shared.mkdir()
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                left_out = shutil.ignore_patterns("_shipped_kernels")
                shutil.copytree(source, copy / name, ignore=left_out)
            elif source.exists():
                shutil.copy2(source, copy / name)
        tests = sorted({test for each in chosen for test in each.arguments})
        if _status(tests, copy, shared, log, 60 * limit, first=False) != 0:
            raise RuntimeError(f"the tests fail without any mutation:\n{log.read_text()}")
        for each in chosen:
            start = time.perf_counter()
            outcome = survives(each, copy, shared, log, limit)
            print(f"{outcome:14} {time.perf_counter() - start:5.1f} s  {each.title}", flush=True)
            if outcome == "survived":
                alive.append(each)
    return alive


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--group", action="append", choices=sorted(groups()))
    parser.add_argument("--only", help="those with this in their file or text")
    parser.add_argument("--list", action="store_true", help="print titles and run nothing")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds for each")
    given = parser.parse_args()
    table = groups()
    chosen = [each for name in given.group or sorted(table) for each in table[name]]
    chosen = [each for each in chosen if given.only is None or given.only in each.title]
    if given.list:
        print(*(each.title for each in chosen), sep="\n")
        return 0
    alive = run(chosen, given.limit)
    print(f"{len(chosen)} mutations: {len(chosen) - len(alive)} killed, {len(alive)} survived")
    return int(bool(alive))


if __name__ == "__main__":
    sys.exit(main())
