"""Everything that needs mmengine: registration, dataset classes, hooks and metric shells.

mmengine imports this package by itself at the first ``type='seglosses.X'`` of a config. It loads
neither mmcv nor mmseg nor mmdet.
"""

from __future__ import annotations

from torch import nn

from seglosses import losses
from seglosses.openmmlab import hooks, predictions, transforms
from seglosses.registry import MODELS

__all__ = ["hooks", "predictions", "transforms"]


def _register_losses() -> None:
    """Put every loss class that ``seglosses.losses`` exports into MODELS under its own name.

    The families in ``losses.base`` are exported for people who write losses and are no losses.
    """
    for name in losses.__all__:
        member = getattr(losses, name)
        if (
            isinstance(member, type)
            and issubclass(member, nn.Module)
            and member.__module__ != "seglosses.losses.base"
        ):
            MODELS.register_module(name=name, module=member)


_register_losses()
