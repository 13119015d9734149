"""MONAI: scores as its metrics and handlers, and several losses in the place of one.

The losses need no adapter: they take MONAI's layouts as they are, channel-first tensors and
MetaTensors, labels (B, 1, *S) or one-hot, by themselves and in
``monai.losses.DeepSupervisionLoss``. In bundles the names of this package follow ``_target_``.
"""

from seglosses.hosts.monai.handler import ScoresHandler
from seglosses.hosts.monai.losses import SumOfLosses
from seglosses.hosts.monai.metric import ScoresMetric

__all__ = ["ScoresHandler", "ScoresMetric", "SumOfLosses"]
