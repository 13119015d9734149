"""Checks of validation samples before they are scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_labels(
    labels: NDArray[Any], count: int, ignore_index: int, sample: Mapping[str, Any], metric: type
) -> None:
    """Raise ``ValueError`` for labels that are neither a class nor ignored.

    Args:
        labels: Class indices, (H, W).
        count: How many classes the data set has.
        ignore_index: Label that does not count.
        sample: Whose ``img_path`` is named.
        metric: Which metric found it.

    Raises:
        ValueError: with the values, and what is most likely forgotten.

    Example:
        >>> check_labels(np.array([[0, 2, 255]]), 2, 255, {"img_path": "a.png"}, int)
        Traceback (most recent call last):
        ValueError: int: the label of a.png holds [2], and the data set has 2 classes, 0 to 1,
        beside ignore_index=255; set reduce_zero_label=True where 0 is no class, correct classes in
        the metainfo, or ignore_index
    """
    strange = (labels < 0) | (labels >= count)
    strange &= labels != ignore_index
    if strange.any():
        values = np.unique(labels[strange])[:5].tolist()
        raise ValueError(
            f"{metric.__name__}: the label of {sample.get('img_path', 'a sample')} holds {values},"
            f" and the data set has {count} classes, 0 to {count - 1}, beside"
            f" ignore_index={ignore_index}; set reduce_zero_label=True where 0 is no class, correct"
            " classes in the metainfo, or ignore_index"
        )


def refuse_views(data_batch: Any) -> None:
    """Raise ``ValueError`` for a batch of several views of each image, as augmentation makes it.

    MMSegmentation merges the views' labels and hands on the last view's logits.

    Args:
        data_batch: What the data loader gave.

    Raises:
        ValueError: with what to do.

    Example:
        >>> refuse_views({"data_samples": ["one sample"]})
        >>> refuse_views({"data_samples": [["one view of it"], ["another view"]]})
        Traceback (most recent call last):
        ValueError: SegmentationScores(probabilities=True) under test-time augmentation would score
        the logits of one view beside the labels of all: test without --tta, or with
        probabilities=False
    """
    samples = data_batch.get("data_samples") if isinstance(data_batch, Mapping) else None
    if isinstance(samples, list | tuple) and samples and isinstance(samples[0], list | tuple):
        raise ValueError(
            "SegmentationScores(probabilities=True) under test-time augmentation would score the"
            " logits of one view beside the labels of all: test without --tta, or with"
            " probabilities=False"
        )
