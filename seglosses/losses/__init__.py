"""Loss modules and the functions beside them; needs torch only.

Bases for losses of your own are in :mod:`seglosses.losses.base` and
:mod:`seglosses.losses.classwise`.
"""

from __future__ import annotations

from seglosses.losses.classification import CrossEntropyLoss, cross_entropy_loss
from seglosses.losses.region import (
    DiceLoss,
    JaccardLoss,
    JaccardMetricLoss,
    TverskyLoss,
    dice_loss,
    jaccard_loss,
    jaccard_metric_loss,
    tversky_loss,
)

__all__ = [
    "CrossEntropyLoss",
    "DiceLoss",
    "JaccardLoss",
    "JaccardMetricLoss",
    "TverskyLoss",
    "cross_entropy_loss",
    "dice_loss",
    "jaccard_loss",
    "jaccard_metric_loss",
    "tversky_loss",
]
