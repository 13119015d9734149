"""What the accumulator refuses, and that nothing of it counts."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.evaluate.accumulator import Scores
from tests.evaluate.test_accumulator import PRED, TRUE

ONE = torch.rand(2, 1, 4, 5)


@pytest.mark.parametrize(
    ("options", "batch", "words"),
    [
        ({}, (PRED, TRUE[:1]), "pred holds 2 images, target 1"),
        ({}, (PRED[:, :2], TRUE), "pred has 2 channels, and there are 3 classes.*classes=2"),
        ({}, (PRED, TRUE[:, :3]), "4 x 5 pixels and target 3 x 5: resize"),
        ({}, (PRED, TRUE + 255), "image 0 .*labels 255.*0 to 2: .*set ignore_index"),
        ({"ignore_index": 9}, (PRED, TRUE - 1), r"labels -1, .*\(ignored: 9\)"),
        ({}, (TRUE + 3, TRUE), "pred holds labels 3"),
        ({}, (PRED * math.nan, TRUE), "NaN or infinite"),
        ({}, (PRED, TRUE + 0.5), "not whole"),
        ({}, (PRED, torch.ones(2, 3, 4, 5)), "not one-hot"),
        ({}, (torch.zeros(2, 3, 6, 4, 5), TRUE), "for volumes set ndim=3"),
        ({"ndim": 3}, (PRED, TRUE), "for images set ndim=2"),
        ({"classes": 2}, (ONE, TRUE), "form='logits' or form='probabilities'"),
        ({"classes": 2, "form": "probabilities"}, (ONE + 1, TRUE), r"outside of \[0, 1\]"),
        ({"columns": "brier"}, (PRED.softmax(1), TRUE), "form='probabilities'"),
        ({"columns": "brier"}, (TRUE, TRUE), "probabilities=... beside it"),
        ({}, ("abc", TRUE), "expected a tensor"),
        ({}, (PRED, TRUE, None, "ab"), "got the text 'ab'"),
        ({}, (PRED, TRUE, None, ["a"]), "1 ids for 2 images"),
        ({}, (PRED, TRUE, None, None, [[1, 2]]), "spacing of 1 images for 2"),
        ({}, (PRED, TRUE, None, None, (1, 2, 3)), "spacing needs 2 positive numbers"),
    ],
)
def test_wrong_batches_are_refused_and_count_nothing(options, batch, words) -> None:
    scores = Scores(**{"columns": "dice", "classes": 3, **options})
    with pytest.raises(ValueError, match=words):
        scores.update(*batch)
    assert scores.images == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": "beauty"}, "unknown metric beauty"),
        ({"columns": "betti2_error"}, "not 2D"),
        ({"classes": 1}, "at least 2, got 1"),
        ({"classes": "road"}, "names of all classes"),
        ({"classes": ["a", "a"]}, "different class names"),
        ({"scored": [3]}, r"classes in 0..1, got \[3\]"),
        ({"ndim": 4}, "ndim of 2"),
        ({"form": "softmax"}, "labels, logits or probabilities"),
        ({"spacing": (1, 2, 3)}, "spacing needs 2"),
        ({"empty": "best"}, "expected empty"),
        ({"options": {"tolerance": -1}}, "tolerance"),
    ],
)
def test_wrong_options_are_refused(options, words) -> None:
    with pytest.raises(ValueError, match=words):
        Scores(**options)
