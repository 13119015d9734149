"""Scores of partitions: are the regions that a mask forms the right ones?

A region is a connected component of the background (walls between cells, mortar between bricks)
or of the foreground (nuclei). Pixels that belong to no region in the target do not count.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.pair import Pair, other_connectivity
from seglosses.topology.overlaps import component_overlaps

Regions: TypeAlias = Literal["background", "foreground"]


class Rand(NamedTuple):
    """Adapted Rand error, 1 - F of the pairs of pixels, and its parts."""

    error: float
    precision: float
    recall: float


class Information(NamedTuple):
    """Variation of information in bits: H(P|T) from splitting, H(T|P) from merging."""

    split: float
    merge: float


class Panoptic(NamedTuple):
    """Panoptic quality = segmentation quality x recognition quality."""

    pq: float
    sq: float
    rq: float


class Contingency:
    """How many pixels each region of the target shares with each region of the prediction.

    Args:
        pred: Region labels of the prediction, 0 for none.
        target: Region labels of the target, 0 for none.
        counts: How many pixels each of these stands for; None for one.

    Example:
        >>> table = Contingency(np.array([1, 1, 2]), np.array([1, 1, 1]))
        >>> table.target.tolist(), table.pred.tolist(), table.sizes.tolist()
        ([1, 1], [1, 2], [2.0, 1.0])
    """

    def __init__(
        self,
        pred: NDArray[np.integer],
        target: NDArray[np.integer],
        counts: NDArray[np.int64] | None = None,
    ) -> None:
        columns = int(pred.max(initial=0)) + 1
        rows = int(target.max(initial=0)) + 1
        codes = target.ravel().astype(np.int64) * columns + pred.ravel()
        weights = None if counts is None else counts.ravel()
        if rows * columns <= 4 * codes.size + 1024:
            sizes = np.bincount(codes, weights, minlength=rows * columns)
            places = np.flatnonzero(sizes)
            sizes = sizes[places]
        else:
            places, inverse = np.unique(codes, return_inverse=True)
            sizes = np.bincount(inverse, weights)
        self.sizes = sizes.astype(np.float64)
        self.target, self.pred = np.divmod(places, columns)
        self.rows, self.columns = rows, columns


def contingency(pair: Pair, regions: Regions = "background") -> Contingency:
    """Overlaps of the regions of a pair, over the whole image, counted once per pair.

    Args:
        pair: The two masks.
        regions: 'background' for what lines separate, 'foreground' for components of the mask.

    Returns:
        A :class:`Contingency`.

    Raises:
        ValueError: for another word.

    Example:
        >>> table = contingency(Pair([[0, 0, 0]], [[0, 1, 0]]))
        >>> table.target.tolist(), table.pred.tolist(), table.sizes.tolist()  # two cells, one found
        ([0, 1, 2], [1, 1, 1], [1.0, 1.0, 1.0])
    """
    if regions not in ("background", "foreground"):
        raise ValueError(f"expected regions to be background or foreground, got {regions!r}")
    return pair.remember(("contingency", regions), lambda: _met(pair, regions))


def _met(pair: Pair, regions: Regions) -> Contingency:
    # One pixel of margin, that stands for all beyond it: from there a straight way through the
    # background leads to the margin, so that both belong to one region.
    margins, counts = [], []
    for side, size in zip(pair.box, pair.shape, strict=True):
        before, after = side.start, size - side.stop
        margins.append((int(before > 0), int(after > 0)))
        inside = [1] * (side.stop - side.start)
        counts.append([before] * (before > 0) + inside + [after] * (after > 0))
    masks = np.pad(pair.pred, margins), np.pad(pair.target, margins)
    connectivity = pair.connectivity
    if regions == "background":
        masks = (~masks[0], ~masks[1])
        connectivity = other_connectivity(connectivity, len(pair.shape))
    pieces = component_overlaps(*masks, connectivity=connectivity, counts=counts)
    return Contingency(pieces[:, 0], pieces[:, 1], pieces[:, 2])


def adapted_rand(pair: Pair, *, regions: Regions = "background") -> Rand:
    """Adapted Rand error: are two pixels in one region if and only if they should be?

        precision = sum n_ij^2 / sum n_.j^2,   recall = sum n_ij^2 / sum n_i.^2
        error     = 1 - 2 precision recall / (precision + recall)

    with n_ij pixels in region i of the target and j of the prediction, less the pairs of a pixel
    with itself. Pixels that belong to no region of the prediction make one more region of it.

    Args:
        pair: The two masks.
        regions: Components of the background or of the foreground.

    Returns:
        Error, precision and recall; a share of no pairs at all is 1.

    References:
        Arganda-Carreras et al., Crowdsourcing the creation of image segmentation algorithms for
        connectomics, 2015; the error equals scikit-image's `adapted_rand_error`, which swaps the
        names of precision and recall.

    Example:
        >>> adapted_rand(Pair([[0, 0, 0, 0, 0]], [[0, 0, 1, 0, 0]]))  # 4 of 12 pairs belong
        Rand(error=0.5, precision=0.3333333333333333, recall=1.0)
    """
    table = contingency(pair, regions)
    inside = table.target > 0
    sizes = table.sizes[inside]
    total = float(sizes.sum())
    rows = np.bincount(table.target[inside], sizes, table.rows)
    columns = np.bincount(table.pred[inside], sizes, table.columns)
    both, true, predicted = (float(np.square(n).sum()) - total for n in (sizes, rows, columns))
    precision = both / predicted if predicted else 1.0
    recall = both / true if true else 1.0
    error = 1 - 2 * both / (true + predicted) if true + predicted else 0.0
    return Rand(error, precision, recall)


def variation_of_information(pair: Pair, *, regions: Regions = "background") -> Information:
    """Conditional entropies of the two partitions.

        split = H(P | T) = -sum p_ij log2(p_ij / p_i.),   merge = H(T | P)

    Args:
        pair: The two masks.
        regions: Components of the background or of the foreground.

    Returns:
        Split and merge in bits, both 0 when no pixel belongs to a region of the target.

    References:
        Meila, Comparing clusterings, 2007; equal to scikit-image's `variation_of_information`
        over the pixels of the target's regions.

    Example:
        >>> variation_of_information(Pair([[0, 0, 0, 0, 0]], [[0, 0, 1, 0, 0]]))
        Information(split=0.0, merge=1.0)
    """
    table = contingency(pair, regions)
    inside = table.target > 0
    total = table.sizes[inside].sum()
    if total == 0:
        return Information(0.0, 0.0)
    joint = table.sizes[inside] / total
    target, pred = table.target[inside], table.pred[inside]
    of_target = np.bincount(target, joint, table.rows)[target]
    of_pred = np.bincount(pred, joint, table.columns)[pred]
    split = float((joint * np.log2(of_target / joint)).sum())
    merge = float((joint * np.log2(of_pred / joint)).sum())
    return Information(split, merge)


def panoptic_quality(pair: Pair, *, regions: Regions = "background") -> Panoptic:
    """Panoptic quality: regions match when their IoU exceeds one half.

        SQ = mean IoU of matches,   RQ = TP / (TP + FP / 2 + FN / 2),   PQ = SQ RQ

    Args:
        pair: The two masks.
        regions: Components of the background or of the foreground.

    Returns:
        PQ, SQ and RQ in [0, 1]; without any region, both partitions follow ``pair.empty``.

    References:
        Kirillov et al., Panoptic Segmentation, CVPR 2019, arXiv:1801.00868; equal to panoptica
        over all pixels of the image, except that panoptica also matches at exactly one half.

    Example:
        >>> panoptic_quality(Pair([[0, 0, 0, 1, 0]], [[0, 0, 1, 1, 0]]))  # IoU 2/3 and 1
        Panoptic(pq=0.8333333333333333, sq=0.8333333333333333, rq=1.0)
    """
    table = contingency(pair, regions)
    targets, preds = table.rows - 1, table.columns - 1
    if targets + preds == 0:
        value = 1.0 if pair.empty == "perfect" else float("nan")
        return Panoptic(value, value, value)
    areas = np.bincount(table.target, table.sizes, table.rows)[table.target]
    areas += np.bincount(table.pred, table.sizes, table.columns)[table.pred]
    ious = (table.sizes / (areas - table.sizes))[(table.target > 0) & (table.pred > 0)]
    matched = ious[ious > 0.5]
    sq = float(matched.mean()) if matched.size else 0.0
    rq = 2 * matched.size / (targets + preds)
    return Panoptic(sq * rq, sq, rq)
