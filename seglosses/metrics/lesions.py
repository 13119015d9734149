"""Scores per lesion: small objects count as much as large ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.metrics.boundary import hd95_directed
from seglosses.metrics.overlap import dice
from seglosses.metrics.pair import Pair
from seglosses.primitives.masks import Mask
from seglosses.primitives.nearest import nearest_to
from seglosses.topology import label_components

Labels = NDArray[np.int32]
LesionMatching: TypeAlias = Literal["panoptica", "brats", "autopet", "cc"]

LESION_MATCHING: dict[LesionMatching, str] = {
    "panoptica": "one to one at an IoU of 0.5 or more, best first; Dice and HD95 over matches",
    "brats": "true lesions within 6 voxels of each other are one (dilation by 3); all predicted "
    "lesions that meet a dilated one are its partner; Dice and HD95 over true lesions and false "
    "positives, with 0 and the image diagonal where there is no partner",
    "autopet": "lesions that share a voxel, as many as there are; Dice and HD95 over true lesions, "
    "with 0 and the image diagonal where there is no partner",
    "cc": "the prediction is cut where another true lesion is nearer; Dice and HD95 over true "
    "lesions, with 0 and the image diagonal where nothing is predicted; lesions that share a voxel "
    "are found",
}
"""What each rule of matching does, for readers."""


class LesionScores(NamedTuple):
    """Scores of the lesions of a pair.

    Attributes:
        dice: Mean over lesions.
        hd95: Likewise, in the unit of the spacing.
        f1: Of detection.
        sensitivity: Share of the true lesions that are found.
        false_positives: Number of predicted lesions that are nobody's.
    """

    dice: float
    hd95: float
    f1: float
    sensitivity: float
    false_positives: int


class Lesions(NamedTuple):
    """What a rule makes of a pair.

    Args:
        pred: Labels of predicted lesions.
        target: Labels of true ones.
        partners: For each true lesion the labels of the predicted ones that are its own.
        spurious: Number of predicted lesions that are nobody's.
    """

    pred: Labels
    target: Labels
    partners: list[NDArray[np.intp]]
    spurious: int


def lesion_scores(
    pair: Pair,
    *,
    matching: LesionMatching = "panoptica",
    smallest: float = 0.0,
    dilation: int = 3,
) -> LesionScores:
    """Scores per lesion, a connected component, by one of four published rules of matching.

        f1 = 2 TP / (2 TP + FP + FN),   sensitivity = TP / (TP + FN)

    with TP true lesions that have a partner, FN those without, and FP predicted ones without.
    :data:`LESION_MATCHING` says which are partners, and over what Dice and HD95 (larger one of
    both directions) are averaged.

    Args:
        pair: The two masks; its connectivity makes the lesions.
        matching: ``'panoptica'``, ``'brats'``, ``'autopet'`` or ``'cc'``.
        smallest: True lesions up to this volume, in the unit of the spacing, do not count, nor do
            their partners.
        dilation: Steps of dilation of ``'brats'``: 3 for gliomas, 1 for metastases.

    Returns:
        Dice, HD95, F1, sensitivity and the number of false positives; with an empty mask see
        ``pair.empty``.

    Raises:
        ValueError: For another rule.

    References:
        Equal in Dice and F1 to panoptica 2.1.7 (Kofler et al., arXiv:2312.02608); in Dice and
        counts to rachitsaluja/BraTS-2023-Metrics (43c9052), whose HD95 weighs surfaces and has
        374 for the image diagonal; in what is found to lab-midas/autoPET (468179b), with 18
        neighbours there, and volumes in place of numbers; to alexanderjaus/CC-Metrics (20a704b;
        Jaus et al., AAAI 2025), but for pixels that are as near to two lesions.

    Example:
        >>> target, pred = [[1, 1, 0, 0, 1, 1, 0, 0, 0]], [[1, 1, 0, 0, 1, 0, 0, 0, 1]]
        >>> scores = lesion_scores(Pair(pred, target), matching="autopet")
        >>> round(scores.dice, 4), scores.sensitivity, scores.false_positives  # 1 and 2 / 3
        (0.8333, 1.0, 1)
    """
    if matching not in get_args(LesionMatching):
        names = ", ".join(get_args(LesionMatching))
        raise ValueError(f"expected matching to be one of {names}, got {matching!r}")
    if pair.left_out or (pair.pred_empty and pair.target_empty):
        one = pair.undefined(perfect=1.0, worst=0.0)
        return LesionScores(one, pair.undefined(0.0, pair.diagonal), one, one, 0)
    lesions = _matched(pair, matching, dilation)
    sizes = np.bincount(lesions.target.ravel(), minlength=len(lesions.partners) + 1)[1:]
    counted = np.flatnonzero(sizes * np.prod(pair.spacing) > smallest)
    found = sum(len(lesions.partners[index]) > 0 for index in counted)
    overlaps, distances = [], []
    for pred, target in _parts(pair, lesions, counted, matching):
        part = Pair(pred, target, spacing=pair.spacing, empty="perfect")
        overlaps.append(dice(part))
        distances.append(hd95_directed(part) if pred.any() else pair.diagonal)
    if matching == "brats":
        overlaps += [0.0] * lesions.spurious
        distances += [pair.diagonal] * lesions.spurious
    wrong = lesions.spurious + len(counted) - found
    return LesionScores(
        float(np.mean(overlaps)) if overlaps else 0.0,
        float(np.mean(distances)) if distances else pair.diagonal,
        2 * found / (2 * found + wrong) if found + wrong else 0.0,
        found / len(counted) if len(counted) else 0.0,
        lesions.spurious,
    )


def _matched(pair: Pair, matching: LesionMatching, dilation: int) -> Lesions:
    pred, target = (
        np.asarray(side, np.int32) for side in (pair.components.pred, pair.components.target)
    )
    if matching == "brats":
        target = _gathered(pair.target, dilation)
    count, others = int(target.max()), int(pred.max())
    table: NDArray[np.float64] = np.zeros((count + 1, others + 1))
    if matching == "brats":
        for index, box in enumerate(ndimage.find_objects(target), 1):
            around = tuple(
                slice(max(side.start - dilation, 0), side.stop + dilation) for side in box
            )
            table[index, np.unique(pred[around][_grown(target[around] == index, dilation)])] = 1
    else:
        np.add.at(table, (target.ravel(), pred.ravel()), 1)
    table = table[1:, 1:]
    if matching == "panoptica":
        sizes = np.bincount(target.ravel())[1:, None] + np.bincount(pred.ravel())[None, 1:]
        table = _one_to_one(np.asarray(table) / (sizes - table))
    partners = [np.flatnonzero(row) + 1 for row in table]
    return Lesions(pred, target, partners, int(others - (table > 0).any(axis=0).sum()))


def _grown(mask: Mask, steps: int) -> Mask:
    structure = ndimage.generate_binary_structure(mask.ndim, mask.ndim - 1)
    return np.asarray(ndimage.binary_dilation(mask, structure, steps)) if steps else mask


def _gathered(target: Mask, steps: int) -> Labels:
    """Labels of true lesions, the same for those that are one when they are dilated."""
    labels = label_components(_grown(np.pad(target, steps), steps))[0]
    inner = labels[tuple(slice(steps, size - steps) for size in labels.shape)]
    return np.asarray(np.where(target, inner, 0), np.int32)


def _one_to_one(iou: NDArray[np.float64]) -> NDArray[np.float64]:
    matched = np.zeros_like(iou)
    rows, columns = np.nonzero(iou >= 0.5)
    for place in np.argsort(-iou[rows, columns], kind="stable"):
        row, column = rows[place], columns[place]
        if not (matched[row].any() or matched[:, column].any()):
            matched[row, column] = 1
    return matched


def _parts(
    pair: Pair, lesions: Lesions, counted: NDArray[np.intp], matching: LesionMatching
) -> Iterator[tuple[Mask, Mask]]:
    """What is predicted of each true lesion, and the lesion, in a box that holds both."""
    boxes = ndimage.find_objects(lesions.target), ndimage.find_objects(lesions.pred)
    regions = None
    if matching == "cc" and counted.size:
        regions = np.where(pair.pred, lesions.target[nearest_to(lesions.target > 0)], 0)
        cells = ndimage.find_objects(regions, max_label=len(boxes[0]))
    for index in counted:
        partners = lesions.partners[index]
        if matching == "panoptica" and not len(partners):
            continue
        if regions is not None:
            box = _around([boxes[0][index], *([cells[index]] if cells[index] else [])])
            yield regions[box] == index + 1, lesions.target[box] == index + 1
        else:
            box = _around([boxes[0][index], *(boxes[1][partner - 1] for partner in partners)])
            yield np.isin(lesions.pred[box], partners), lesions.target[box] == index + 1


def _around(boxes: list[tuple[slice, ...]]) -> tuple[slice, ...]:
    return tuple(
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )
