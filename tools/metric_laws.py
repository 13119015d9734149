"""Hold every metric to the laws of metrics on random pairs of masks.

    python tools/metric_laws.py --pairs 10000

Prints what is broken and the pair it is broken on; exit status 1 if anything is.
"""

from __future__ import annotations

import argparse

import numpy as np
from joblib import Parallel, delayed

from seglosses.laws.masks import examine_pair, random_trial
from seglosses.laws.metrics import EXEMPT_METRICS, METRICS

BLOCK = 100


def broken(seed: int, block: int, count: int) -> list[str]:
    """Words of the laws broken by some random pairs, each block with a chance of its own."""
    rng = np.random.default_rng([seed, block])
    return [
        f"{finding.law}: {finding.words}"
        for _ in range(count)
        for finding in examine_pair(random_trial(rng), METRICS, EXEMPT_METRICS)
    ]


def main() -> int:
    """Examine, print, and say whether all laws hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")
    args = parser.parse_args()
    starts = range(0, args.pairs, BLOCK)
    found = Parallel(n_jobs=args.workers)(
        delayed(broken)(args.seed, start, min(BLOCK, args.pairs - start)) for start in starts
    )
    words = [line for lines in found for line in lines]
    print(*words, sep="\n", end="\n" if words else "")
    print(f"{args.pairs} pairs, {len(METRICS)} metrics, {len(words)} laws broken")
    return int(bool(words))


if __name__ == "__main__":
    raise SystemExit(main())
