"""The released C++ program: carried results, the compiled engine where it is, and no compiler."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seglosses.topology import betti_matching, matching_error

ROOT = Path(__file__).parents[2]

# Eighths; results of the engine in topolosses 0.2.0, as (matched, unmatched a, unmatched b).
IMAGE_A = [
    [5, 3, 4, 5, 3, 4, 5],
    [1, 0, 1, 1, 5, 5, 0],
    [2, 4, 0, 4, 0, 2, 4],
    [1, 2, 1, 4, 1, 5, 2],
    [2, 3, 3, 3, 3, 5, 4],
    [4, 4, 3, 2, 5, 2, 1],
]
IMAGE_B = [
    [5, 0, 5, 3, 0, 0, 2],
    [0, 0, 3, 5, 2, 4, 5],
    [4, 3, 2, 3, 1, 2, 2],
    [1, 5, 0, 0, 1, 5, 4],
    [5, 1, 4, 2, 2, 0, 3],
    [4, 3, 0, 3, 1, 5, 5],
]
IMAGE_RESULT = [
    [
        [(13, 20, 4, 9), (16, 9, 23, 11), (21, 14, 21, 14)],
        [(4, 3), (18, 32), (27, 20), (38, 31), (41, 34)],
        [(29, 36), (33, 32), (37, 38), (39, 32)],
    ],
    [[], [(22, 15)], [(27, 26)]],
]
VOLUME_A = [
    [[1, 4, 7, 6], [5, 5, 0, 5], [3, 0, 1, 4], [5, 4, 4, 6]],
    [[5, 2, 5, 4], [0, 0, 5, 3], [4, 2, 1, 1], [3, 6, 3, 3]],
    [[4, 7, 3, 4], [3, 4, 3, 5], [4, 5, 7, 1], [4, 3, 2, 1]],
]
VOLUME_B = [
    [[0, 3, 6, 0], [3, 7, 7, 1], [0, 5, 0, 2], [3, 6, 0, 5]],
    [[4, 1, 6, 6], [3, 7, 4, 7], [7, 4, 2, 1], [4, 1, 6, 7]],
    [[1, 4, 0, 1], [3, 7, 7, 5], [4, 4, 0, 3], [7, 3, 1, 1]],
]
VOLUME_RESULT = [
    [
        [(0, 1, 3, 28), (20, 25, 17, 1), (34, 35, 34, 33)],
        [(9, 10), (28, 24)],
        [(8, 4), (10, 11), (27, 11), (29, 45), (32, 36), (42, 26)],
    ],
    [[], [(37, 22), (44, 29)], [(2, 6), (9, 13), (18, 6), (39, 23), (41, 24)]],
    [[], [], []],
]
# Of the pixels above 3, handed over as 1 - mask.
MASK_RESULT = [
    [
        [(2, 1, 2, 1), (15, 8, 14, 7), (35, 28, 28, 21)],
        [(5, 4), (17, 10), (20, 13), (26, 19), (39, 32)],
        [(10, 3), (12, 5), (22, 15), (26, 19), (30, 23), (40, 33)],
    ],
    [[], [], []],
]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(IMAGE_A, IMAGE_B, IMAGE_RESULT), (VOLUME_A, VOLUME_B, VOLUME_RESULT)],
    ids=["image", "volume"],
)
def test_carried_result(a, b, expected) -> None:
    found = betti_matching(np.divide(a, 8), np.divide(b, 8), filtration="sublevel")
    columns = (found.matched, found.unmatched_a, found.unmatched_b)
    dims = [[sorted(map(tuple, x.tolist())) for x in dim] for dim in zip(*columns, strict=True)]
    assert dims == expected


def test_carried_counts_of_masks() -> None:
    masks = [np.array(image) > 3 for image in (IMAGE_A, IMAGE_B)]
    found = betti_matching(*masks)
    columns = (found.matched, found.unmatched_a, found.unmatched_b)
    dims = [[sorted(map(tuple, x.tolist())) for x in dim] for dim in zip(*columns, strict=True)]
    assert dims == MASK_RESULT
    released = matching_error(*masks, tie_breaking="released")
    assert (released.matched, released.by_dimension) == ((3, 0), (11, 0))
    assert matching_error(*masks).unmatched_pred == (2, 0)


def test_kernels_run_without_the_compiler() -> None:
    code = (
        "from tests.topology import test_released as t\n"
        "t.test_carried_result(t.IMAGE_A, t.IMAGE_B, t.IMAGE_RESULT)\n"
        "t.test_carried_result(t.VOLUME_A, t.VOLUME_B, t.VOLUME_RESULT)\n"
        "t.test_carried_counts_of_masks()\n"
        "print('passed')\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.stdout == "passed\n", run.stderr


@pytest.fixture(scope="module")
def checker():
    path = ROOT / "tools" / "check_betti_matching.py"
    spec = importlib.util.spec_from_file_location("check_betti_matching", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_random_images_and_volumes_agree_with_the_compiled_engine(checker, capsys) -> None:
    place = os.environ.get("SEGLOSSES_BETTI_ENGINE")
    engine = checker.find_engine(Path(place) if place else None)
    if engine is None:
        pytest.skip("no C++ engine: install topolosses or set SEGLOSSES_BETTI_ENGINE")
    assert checker.compare(engine, 2, 150, 3, barcodes=False) == 0
    assert checker.compare(engine, 3, 40, 3, barcodes=False) == 0
    assert "0 pairs differ from C++" in capsys.readouterr().out


def test_the_check_says_what_is_missing(checker, tmp_path, capsys) -> None:
    pytest.importorskip("gudhi")
    options = ["--engine", str(tmp_path), "--images", "3", "--volumes", "2"]
    assert checker.main(options) == 2
    printed = capsys.readouterr()
    assert "no Betti matching engine" in printed.err
    assert "2D: 3 pairs" in printed.out
    assert "0 pairs differ from gudhi" in printed.out
