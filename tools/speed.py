"""Time our code and its peers interleaved in one process, on CPU time, and print ratios.

    python tools/speed.py --list
    python tools/speed.py --group overlap --rounds 7

A group is a module in ``tools/speed_groups`` with a function ``cases()`` that yields
:class:`Case`. Every contestant of a case does the same work on the same input; each round runs all
of them once, in turning order, and the ratio is the median of the rounds' ratios. Bytes are what
autograd keeps for backward (unique storages), as a multiple of the case's reference tensor.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import statistics
import sys
import time
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import speed_groups
import torch

from seglosses.audit.subjects import import_alone


class Case(NamedTuple):
    """The same work by several contestants; the first one is ours."""

    title: str
    contestants: dict[str, Callable[[], Any]]  #: each returns a loss to run backward from, or not
    reference: torch.Tensor | None = None  #: saved bytes are counted in multiples of it
    missing: tuple[str, ...] = ()  #: peers that cannot be imported, and why


class Row(NamedTuple):
    """One contestant's result."""

    case: str
    contestant: str
    milliseconds: float
    ours_is_faster_by: float | None
    saved: float | None


def peer(path: str, missing: list[str]) -> Any:
    """The object at a dotted path, or ``None`` and a note in ``missing`` where it cannot be had."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_alone(module), name)
    except ImportError as error:
        missing.append(f"{path} ({error})")
        return None


def step(run: Callable[[], Any]) -> None:
    """Forward, and backward where there is a graph."""
    value = run()
    if isinstance(value, torch.Tensor) and value.requires_grad:
        value.backward()  # type: ignore[no-untyped-call]


class Kept:
    """A tensor that autograd keeps; goes when its graph goes."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def saved_bytes(run: Callable[[], Any]) -> int:
    """Bytes of unique storages that autograd keeps between forward and backward."""
    alive: weakref.WeakSet[Kept] = weakref.WeakSet()

    def pack(tensor: torch.Tensor) -> Kept:
        alive.add(kept := Kept(tensor))
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        value = run()
    storages = [kept.tensor.untyped_storage() for kept in alive]
    del value
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def measure(case: Case, rounds: int, floor: float = 0.05) -> list[Row]:
    """CPU milliseconds of every contestant and how many times faster ours is."""
    repeats = {}
    for name, run in case.contestants.items():
        step(run)
        start = time.process_time()
        step(run)
        repeats[name] = max(1, round(floor / max(time.process_time() - start, 1e-6)))
    seconds: dict[str, list[float]] = {name: [] for name in case.contestants}
    names = list(case.contestants)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.process_time()
            for _ in range(repeats[name]):
                step(case.contestants[name])
            seconds[name].append((time.process_time() - start) / repeats[name])
    ours = seconds[names[0]]
    rows = []
    for name in names:
        paired = [theirs / mine for theirs, mine in zip(seconds[name], ours, strict=True)]
        saved = None
        if case.reference is not None:
            unit = case.reference.numel() * case.reference.element_size()
            saved = saved_bytes(case.contestants[name]) / unit
        rows.append(
            Row(
                case.title,
                name,
                statistics.median(seconds[name]) * 1e3,
                None if name == names[0] else statistics.median(paired),
                saved,
            )
        )
    return rows


def show(rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = ["| case | contestant | CPU ms | ours is faster by | kept for backward |"]
    lines.append("|---|---|---|---|---|")
    for row in rows:
        faster = "" if row.ours_is_faster_by is None else f"{row.ours_is_faster_by:.2f}x"
        saved = "" if row.saved is None else f"{row.saved:.2f}x"
        lines.append(
            f"| {row.case} | {row.contestant} | {row.milliseconds:.3g} | {faster} | {saved} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """Where the figures were taken."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].split(":", 1)[1].strip() if named else model
    return (
        f"torch {torch.__version__}, Python {platform.python_version()},"
        f" {torch.get_num_threads()} thread, {model}"
    )


def main() -> int:
    """Run the groups that were asked for."""
    groups = sorted(module.name for module in pkgutil.iter_modules(speed_groups.__path__))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--group", action="append", choices=groups, help="by default all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", help="only cases whose title contains this")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--list", action="store_true", help="list the groups and exit")
    options = parser.parse_args()
    if options.list:
        print("\n".join(groups))
        return 0
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(machine())
    rows: list[Row] = []
    for group in options.group or groups:
        module = importlib.import_module(f"speed_groups.{group}")
        print(f"\n## {group}\n")
        for case in module.cases():
            if options.case and options.case not in case.title:
                continue
            if case.missing:
                print(f"{case.title}: cannot be imported and left out: {', '.join(case.missing)}")
            rows.extend(fresh := measure(case, options.rounds))
            print(show(fresh), flush=True)
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), "rows": [row._asdict() for row in rows]}, indent=1)
        )
    return 0


if __name__ == "__main__":
    sys.modules["speed"] = sys.modules["__main__"]
    raise SystemExit(main())
