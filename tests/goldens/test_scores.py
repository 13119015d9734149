"""Scores by data set, image and class, calibration and softened labels of zifuwanggg/JDTLosses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seglosses.metrics import expected_calibration_error, reliability
from seglosses.metrics.fine_grained import fine_grained
from seglosses.primitives.soft_labels import smooth_boundary_labels
from tests.goldens.published import inputs, numbers, values

PUBLISHED = values("fine_grained_miou")
PROB, LABEL = (inputs("fine_grained_miou")[key].numpy() for key in ("prob", "label"))
FOUND = PROB.argmax(1) == LABEL


def counts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True positives, false positives and false negatives, (images, classes)."""
    valid = (LABEL != 255)[:, None]
    guess, truth = (x[:, None] == np.arange(4)[:, None, None] for x in (PROB.argmax(1), LABEL))
    pairs = (guess & truth, guess & ~truth & valid, ~guess & truth)
    return tuple(pair.sum((2, 3)) for pair in pairs)


def ece(prob: np.ndarray, target: np.ndarray, label: np.ndarray) -> float:
    return expected_calibration_error(reliability(prob, target, valid=label != 255, bins=10))


def calibration(only_found: bool = True) -> dict[str, float]:
    best = PROB.max(1)
    own = [(c == LABEL) & (FOUND | (not only_found)) for c in range(4)]
    shown = [[c for c in range(4) if (label == c).any()] for label in LABEL]
    each = [
        np.mean([ece(PROB[i, c], own[c][i], LABEL[i]) for c in shown[i]]) for i in range(len(LABEL))
    ]
    return {
        "ECED": 100 * ece(best, FOUND, LABEL),
        "ECEI": 100 * np.mean([ece(*image) for image in zip(best, FOUND, LABEL, strict=True)]),
        # in per mille; the reference takes a pixel for its class only where the prediction found it
        "SCED": 1000 * np.mean([ece(PROB[:, c], own[c], LABEL) for c in range(4)]),
        "SCEI": 1000 * np.mean(each),
    }


def scores() -> dict[str, float]:
    tp, fp, fn = counts()
    # no false positive counts against an accuracy
    kinds = {"mAcc": (tp, 0 * tp, fn, 1.0), "mIoU": (tp, fp, fn, 1.0), "mDice": (tp, fp, fn, 2.0)}
    found = {"Acc": tp.sum() / (tp + fn).sum()}
    for kind, (*three, beta) in kinds.items():
        readings = fine_grained(*three, beta=beta)
        ends = ("D", "I", "C", "IQ", "CQ", "I1", "C1")
        found |= {f"{kind}{end}": value for end, value in zip(ends, readings, strict=True)}
    return {name: 100 * value for name, value in found.items()}


def test_every_number_is_met() -> None:
    ours = scores() | calibration()
    published = {name: PUBLISHED[name] for name in numbers("fine_grained_miou")}
    # the reference has no worst images by data set, and calls the accuracy by data set mAccD
    assert ours == pytest.approx(published, abs=1e-3)


def test_calibration_of_all_pixels_of_a_class() -> None:
    # a probability of .4 that is right four times in ten is no error, though it never wins
    assert calibration(only_found=False)["SCED"] == pytest.approx(73.81563, abs=1e-3)


def test_softened_boundaries() -> None:
    data = inputs("boundary_label_smoothing")
    soft = smooth_boundary_labels(
        data["label"],
        int(data["num_classes"]),
        kernel_size=int(data["k"]),
        epsilon=float(data["epsilon"]),
        ignore_index=3,
    )
    torch.testing.assert_close(soft, data["soft"], atol=1e-6, rtol=1e-6)
