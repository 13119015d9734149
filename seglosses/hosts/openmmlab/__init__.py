"""Everything that needs mmengine: registration, dataset classes, hooks and metric shells.

mmengine imports this package by itself at the first ``type='seglosses.X'`` of a config. It loads
neither mmcv nor mmseg nor mmdet.
"""

from __future__ import annotations

from seglosses.hosts.openmmlab import (
    appearance,
    balance,
    datasets,
    detection,
    detection_metric,
    extra_inputs,
    hooks,
    label_maps,
    mask_heads,
    predictions,
    probabilities,
    scores,
    topology_metric,
    transforms,
    visualization,
)
from seglosses.losses.exported import loss_classes
from seglosses.registry import MODELS

__all__ = [
    "appearance",
    "balance",
    "datasets",
    "detection",
    "detection_metric",
    "extra_inputs",
    "hooks",
    "label_maps",
    "mask_heads",
    "predictions",
    "probabilities",
    "scores",
    "topology_metric",
    "transforms",
    "visualization",
]


for _name, _member in loss_classes().items():
    MODELS.register_module(name=_name, module=_member)
