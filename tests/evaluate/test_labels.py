"""What values in label files mean; above all 255."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seglosses.evaluate.labels import (
    IGNORED,
    LabelCode,
    Reading,
    choose_codes,
    distinct,
    parse_labels_map,
)
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.scan import look

BINARY = {0: 0, 255: 1}
INDEX = {0: 0, 1: 1}


@pytest.mark.parametrize(
    ("pred", "target", "options", "expected"),
    [
        ({0, 255}, {0, 255}, {}, (BINARY, BINARY, 2)),
        ({0, 1}, {0, 255}, {}, (INDEX, BINARY, 2)),
        ({0}, {0, 255}, {}, (BINARY, BINARY, 2)),
        ({255}, {0, 255}, {}, (BINARY, BINARY, 2)),
        ({0, 1}, {0, 1}, {}, (INDEX, INDEX, 2)),
        ({0, 255}, {0, 255}, {"num_classes": 2}, (BINARY, BINARY, 2)),
        # Told that 255 does not count, it is never foreground of the truth, nor known elsewhere.
        ({0, 1}, {0, 255}, {"ignore_index": 255}, (INDEX, {**INDEX, 255: IGNORED}, 2)),
        ({0, 255}, {0, 1, 255}, {"ignore_index": 255}, (BINARY, {**INDEX, 255: IGNORED}, 2)),
        ({0, 7}, {0, 7}, {"foreground_value": 7}, ({0: 0, 7: 1}, {0: 0, 7: 1}, 2)),
        ({0, 1}, {0, 7}, {"foreground_value": 7}, (INDEX, {0: 0, 7: 1}, 2)),
        (
            {0, 1, 2},
            {0, 1, 2, 255},
            {"num_classes": 3, "ignore_index": 255},
            ({0: 0, 1: 1, 2: 2}, {0: 0, 1: 1, 2: 2, 255: IGNORED}, 3),
        ),
        ({3}, {5}, {"labels_map": {3: 0, 5: 2}}, ({3: 0, 5: 2}, {3: 0, 5: 2}, 3)),
    ],
)
def test_codes(pred: set, target: set, options: dict, expected: tuple) -> None:
    pred_code, target_code, count = choose_codes(pred, target, **options)
    assert (dict(pred_code.classes), dict(target_code.classes), count) == expected


@pytest.mark.parametrize(
    ("pred", "target", "options", "message"),
    [
        ({0, 1}, {0, 1, 255}, {}, "ignore-index 255"),
        ({0, 1, 255}, {0, 255}, {}, "--labels-map 0:0,1:1,255:1"),
        ({0, 1, 4}, {0, 1}, {}, "how many classes"),
        ({0}, {0}, {"labels_map": {0: 0}, "foreground_value": 255}, "not both"),
        ({0}, {0}, {"num_classes": 3, "foreground_value": 255}, "2 classes"),
        ({0}, {0}, {"num_classes": 0}, "num_classes of at least 1, got 0"),
        ({0}, {0}, {"num_classes": -3}, "num_classes of at least 1, got -3"),
        ({0}, {0}, {"ignore_index": 9, "foreground_value": 9}, "background or ignored"),
        ({0, 255}, {0, 255}, {"ignore_index": 255}, "leave ignore_index out"),
        ({0}, {0}, {"labels_map": {0: 5}, "num_classes": 3}, "names class 5"),
    ],
)
def test_contradictions_are_refused(pred: set, target: set, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_codes(pred, target, **options)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16])
def test_decoding(dtype: type) -> None:
    code = LabelCode({0: 0, 255: 1, 7: IGNORED}, "made up")
    values = np.array([[0, 255], [7, 0]], dtype)
    np.testing.assert_array_equal(code.decode(values), [[0, 1], [-1, 0]])


def test_negative_and_large_values() -> None:
    code = LabelCode({-5: 0, 10**9: 1}, "made up")
    np.testing.assert_array_equal(code.decode(np.array([[10**9, -5]])), [[1, 0]])


def test_a_large_value_costs_no_table_of_its_size() -> None:
    code = LabelCode({0: 0, 2**40 - 1: 1}, "made up")  # 2 TiB
    np.testing.assert_array_equal(code.decode(np.array([[2**40 - 1, 0]])), [[1, 0]])


@pytest.mark.parametrize("at", [0, 1, 2, 47])
def test_a_side_without_foreground_in_the_sample_is_looked_at_whole(
    tmp_path: Path, at: int
) -> None:
    """Of 48 files every third is a sample."""
    pairs = []
    for index in range(48):
        path = tmp_path / f"{index:02}.npy"
        np.save(path, np.full((1, 2), 255 * (index == at), np.uint8))
        pairs.append(PairFiles(path.stem, path, path))
    seen = look(pairs, Reading())
    assert seen.pred == seen.target == {0, 255}


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int64, np.uint64])
def test_distinct_values_are_those_of_a_sort(dtype: type) -> None:
    rng = np.random.default_rng(0)
    limits = np.iinfo(dtype)
    wide, top = (limits.min, limits.max), (limits.max - 2, limits.max)
    for low, high in (wide, top, (max(limits.min, -3), 5)):
        values = rng.integers(low, high, (7, 5), dtype=dtype, endpoint=True)
        assert distinct(values) == np.unique(values).tolist()
        assert distinct(values[::2, ::-1]) == np.unique(values[::2]).tolist()
    assert distinct(np.zeros((0, 3), dtype)) == []


def test_unknown_values_are_named() -> None:
    code = LabelCode({0: 0, 1: 1}, "2 class indices")
    with pytest.raises(ValueError, match=r"unknown label values 3, 255 \(known: 0, 1; 2 class"):
        code.decode(np.array([[3, 255, 1]]))


@pytest.mark.parametrize("text", ["0", "0:x", "a:1", "0:-2", "0:", ""])
def test_a_bad_labels_map_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected VALUE:CLASS"):
        parse_labels_map(text)


def test_a_value_has_one_class() -> None:
    with pytest.raises(ValueError, match="gives the value 1 two classes; keep one"):
        parse_labels_map("0:0,1:1,1:0")
    with pytest.raises(ValueError, match="the value 07 two classes"):
        parse_labels_map("7:ignore,07:2")
    assert parse_labels_map("1:1, 1:1") == {1: 1}
