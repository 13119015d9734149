"""Compare seglosses.topology with the released C++ engine and with gudhi on random images.

The C++ engine ships inside the wheel ``topolosses`` 0.2.0. It is loaded from its file, so neither
torchvision nor the rest of that package is needed::

    pip download --no-deps --dest wheels topolosses==0.2.0
    python tools/check_betti_matching.py --engine wheels --images 10000 --volumes 1000

Every pair is matched with ``image_intervals='all'`` and compared index by index with the engine,
sublevel and superlevel sets, and the T-construction of an intersection, which is a union of framed
complements; under a random choice of every option, it is compared with what ``betti_options.py``
lists. Every image's barcode is compared with gudhi's in both constructions. The exit status is 1
when anything differs, and 2 when an oracle is missing.

A pair depends on the seed and its number alone, so a long run can be cut: ``--first 4000 --images
6000`` goes on where 4000 pairs were done.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parent))

from betti_options import Options, differs, framed_complement

from seglosses.topology import Matching, betti_matching, persistence

KINDS = ("uniform", "levels", "binary", "constant", "smooth", "saturated", "blobs")


def find_engine(place: Path | None) -> Any:
    """Load the compiled engine from a file, a wheel, a folder that holds either, or site-packages.

    Args:
        place: Where to look; None for an installed ``topolosses``.

    Returns:
        The extension module, or None where there is none.
    """
    if place is None:
        spec = importlib.util.find_spec("topolosses")
        if spec is None or not spec.submodule_search_locations:
            return None
        place = Path(spec.submodule_search_locations[0])
    if place.is_dir():
        files = sorted(place.rglob("betti_matching*.so")) or sorted(place.glob("topolosses*.whl"))
        if not files:
            return None
        place = files[0]
    if place.suffix == ".whl":
        with zipfile.ZipFile(place) as wheel:
            inside = [n for n in wheel.namelist() if "/betti_matching." in n and n.endswith(".so")]
            if not inside:
                return None
            place = Path(wheel.extract(inside[0], tempfile.mkdtemp()))
    spec = importlib.util.spec_from_file_location("betti_matching", place)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_pair(rng: np.random.Generator, ndim: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two images of one random shape: unrelated, or the second a disturbed first."""
    high = 14 if ndim == 2 else 6
    if rng.random() < 0.1:
        high = 40 if ndim == 2 else 11
    shape = tuple(rng.integers(1, high + 1, ndim))
    first, second = (random_image(rng, shape, rng.choice(KINDS)) for _ in range(2))
    if rng.random() < 0.3:
        second = np.where(rng.random(shape) < 0.2, second, first)
    return first, second


def random_image(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    """One image of a kind, float32 in [0, 1]."""
    image: NDArray[Any]
    if kind == "uniform":
        image = rng.random(shape)
    elif kind == "levels":
        image = rng.integers(0, 4, shape) / 4
    elif kind == "binary":
        image = rng.integers(0, 2, shape)
    elif kind == "constant":
        image = np.full(shape, rng.random())
    elif kind == "saturated":
        image = rng.normal(0.5, 0.7, shape)
    else:
        image = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
        image = 3 * image + 0.5 if kind == "smooth" else image > 0
    return np.clip(image, 0, 1).astype(np.float32)


def engine_bars(engine: Any, a: NDArray[Any], b: NDArray[Any]) -> list[tuple[NDArray[Any], ...]]:
    """Matched and unmatched bars of the C++ engine as sorted flat indices, by dimension."""
    (result,) = engine.compute_matching(
        [np.ascontiguousarray(a, np.float64)],
        [np.ascontiguousarray(b, np.float64)],
        include_input1_unmatched_pairs=True,
        include_input2_unmatched_pairs=True,
    )
    groups = [
        [f"{prefix}_{end}_coordinates" for prefix in prefixes for end in ("birth", "death")]
        for prefixes in (
            ("input1_matched", "input2_matched"),
            ("input1_unmatched",),
            ("input2_unmatched",),
        )
    ]
    strides = np.cumprod((1, *a.shape[:0:-1]))[::-1]
    found = []
    for dim in range(a.ndim):
        columns = []
        for group in groups:
            points = [getattr(result, name)[dim] for name in group]
            flat = [np.asarray(p, np.int64).reshape(-1, a.ndim) @ strides for p in points]
            columns.append(in_order(np.stack(flat, axis=1)))
        found.append(tuple(columns))
    return found


def differs_from_engine(engine: Any, a: NDArray[Any], b: NDArray[Any]) -> tuple[int, list[str]]:
    """How many bars match, and which filtrations the engine matches otherwise."""
    below = betti_matching(a, b, filtration="sublevel")
    above = betti_matching(a, b, filtration="superlevel")
    both = betti_matching(a, b, filtration="sublevel", construction="T", comparison="intersection")
    ways = []
    for name, own, other in (
        ("sublevel", own_bars(below), engine_bars(engine, a, b)),
        ("superlevel", own_bars(above), engine_bars(engine, -a, -b)),
        ("T, intersection", own_bars(both), dual_bars(engine, a, b)),
    ):
        if not all(
            np.array_equal(x, y)
            for xs, ys in zip(own, other, strict=True)
            for x, y in zip(xs, ys, strict=True)
        ):
            ways.append(name)
    return sum(len(rows) for rows in below.matched), ways


def dual_bars(engine: Any, a: NDArray[Any], b: NDArray[Any]) -> list[tuple[NDArray[Any], ...]]:
    """Bars of the T-construction of an intersection: those of framed complements, turned around."""
    pixels = np.pad(np.arange(a.size).reshape(a.shape), 1, constant_values=-1).ravel()
    found = []
    for columns in engine_bars(engine, framed_complement(a), framed_complement(b))[::-1]:
        turned = []
        for rows in columns:
            places = pixels[rows].reshape(-1, rows.shape[1] // 2, 2)[:, :, ::-1]
            # The frame's own cavity stands for the component that never dies.
            inside = (places >= 0).all(axis=(1, 2))
            turned.append(in_order(places[inside].reshape(-1, rows.shape[1])))
        found.append(tuple(turned))
    return found


def own_bars(found: Matching) -> list[tuple[NDArray[Any], ...]]:
    """Matched and unmatched bars as sorted flat indices, by dimension."""
    columns = (found.matched, found.unmatched_a, found.unmatched_b)
    return [tuple(in_order(rows) for rows in dims) for dims in zip(*columns, strict=True)]


def in_order(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows in lexicographic order."""
    ordered: NDArray[Any] = rows[np.lexsort(rows.T[::-1])]
    return ordered


def barcode_differs(image: NDArray[Any], construction: str) -> bool:
    """Whether a barcode is not that of gudhi, as multisets of values."""
    import gudhi

    name = "vertices" if construction == "V" else "top_dimensional_cells"
    cubes = gudhi.CubicalComplex(**{name: image.astype(np.float64)})
    cubes.compute_persistence()
    bars = persistence(image, filtration="sublevel", construction=construction)  # type: ignore[arg-type]
    for dim, values in enumerate(bars.values):
        own = values.astype(np.float64)
        if dim == 0:
            own = np.concatenate([own, [[image.ravel()[bars.essential], np.inf]]])
        other = cubes.persistence_intervals_in_dimension(dim).reshape(-1, 2)
        if own.shape != other.shape or not np.array_equal(in_order(own), in_order(other)):
            return True
    return False


def compare(
    engine: Any, ndim: int, count: int, seed: int, barcodes: bool, first: int = 0, every: int = 1000
) -> int:
    """Compare a number of random pairs and print what was seen.

    Args:
        engine: The C++ engine, or None to compare barcodes only.
        ndim: 2 for images, 3 for volumes.
        count: Pairs.
        seed: Of the generator; pair i depends on the seed and on i only.
        barcodes: Whether gudhi is compared, too.
        first: Number of the first pair.
        every: Pairs between two lines of progress.

    Returns:
        The number of pairs with any difference.
    """
    wrong = differing = other = matches = 0
    began = time.perf_counter()
    for done, index in enumerate(range(first, first + count)):
        if done and done % every == 0:
            seconds = time.perf_counter() - began
            bad = wrong + other + differing
            print(f"{ndim}D: {done} of {count} pairs, {seconds:.0f} s, {bad} differ", flush=True)
        a, b = random_pair(np.random.default_rng((seed, ndim, index)), ndim)
        if engine is not None:
            count_of_pair, ways = differs_from_engine(engine, a, b)
            matches += count_of_pair
            if ways:
                wrong += 1
                print(
                    f"pair {index} (seed {seed}, {ndim}D, shape {a.shape}) differs from C++: {ways}"
                )
        options = Options.drawn(np.random.default_rng((seed, ndim, index, 1)))
        if ways := differs(a, b, options):
            other += 1
            print(f"pair {index} (seed {seed}, {ndim}D, shape {a.shape}), {options}: not as {ways}")
        if barcodes and any(barcode_differs(x, c) for x in (a, b) for c in "VT"):
            differing += 1
            print(f"pair {index} (seed {seed}, {ndim}D, shape {a.shape}) differs from gudhi")
    seconds = time.perf_counter() - began
    line = f"{ndim}D: {count} pairs in {seconds:.0f} s, {other} differ under another option"
    if engine is not None:
        line += f", {matches} matches, {wrong} pairs differ from C++"
    if barcodes:
        line += f", {differing} pairs differ from gudhi"
    print(line, flush=True)
    return wrong + differing + other


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments, None for those of the process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=10_000, help="random 2D pairs")
    parser.add_argument("--volumes", type=int, default=1_000, help="random 3D pairs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first pair")
    parser.add_argument("--every", type=int, default=1000, help="pairs between lines of progress")
    parser.add_argument(
        "--engine", type=Path, help="the compiled engine, a topolosses wheel, or their folder"
    )
    options = parser.parse_args(argv)
    engine = find_engine(options.engine)
    if engine is None:
        where = options.engine or "this Python environment"
        print(f"no Betti matching engine in {where}: see --help for how to get it", file=sys.stderr)
    barcodes = importlib.util.find_spec("gudhi") is not None
    if not barcodes:
        print("gudhi is not installed: barcodes are not compared", file=sys.stderr)
    bad = 0
    for ndim, count in ((2, options.images), (3, options.volumes)):
        if engine is not None or barcodes:
            bad += compare(
                engine, ndim, count, options.seed, barcodes, options.first, options.every
            )
    if bad:
        return 1
    return 0 if engine is not None and barcodes else 2


if __name__ == "__main__":
    sys.exit(main())
