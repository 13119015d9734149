"""Wall time of a batch of volumes on all processors: ours against the released C++ engine.

    python tools/betti_wall.py [--side 64] [--batch 4] [--rounds 5]

Both sides match the whole batch in one call, with as many threads as they like: the engine starts
one per volume. They take turns; printed is the median of both and of their ratio. Run it on a
machine that does nothing else, for what others do counts. ``TOPOLOSSES_ENGINE`` is that of
``tools/speed.py --group betti``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from check_betti_matching import find_engine
from speed_groups.betti import ENGINE, volumes

from seglosses.topology.matching import available_processors, betti_matching_batch

KINDS = ("smooth", "noise 0.05", "noise 0.1", "noise 0.2")


def seconds(run: Callable[[], Any]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> int:
    """Print one row per kind of volume."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    place = os.environ.get(ENGINE)
    engine = find_engine(Path(place) if place else None)
    if engine is None:
        print(f"no C++ engine: install topolosses or set {ENGINE}", file=sys.stderr)
        return 2
    print(f"{available_processors()} processors, {asked.batch} volumes of {asked.side} cubed")
    print("| volumes | seglosses, s | C++ engine, s | ours is faster by |")
    print("|---|---:|---:|---:|")
    for kind in KINDS:
        pred, label = volumes(asked.side, kind)
        preds, labels = [pred] * asked.batch, [label] * asked.batch
        # what the released loss hands over: superlevel sets as sublevel sets, in float64
        a, b = (np.ascontiguousarray(1 - side, np.float64) for side in (pred, label))
        given = [a] * asked.batch, [b] * asked.batch

        def ours(preds: Any = preds, labels: Any = labels) -> Any:
            return betti_matching_batch(preds, labels)

        def theirs(given: Any = given) -> Any:
            return engine.compute_matching(*given, True, True)

        ours()
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(asked.rounds)]
        own, other = (median(column) for column in zip(*pairs, strict=True))
        ratio = median(theirs / ours for ours, theirs in pairs)
        print(f"| {kind} | {own:.3f} | {other:.2f} | {ratio:.1f}x |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
