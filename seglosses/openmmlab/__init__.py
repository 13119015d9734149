"""Everything that needs mmengine: registration, dataset classes, hooks and metric shells.

mmengine imports this package by itself at the first ``type='seglosses.X'`` of a config.
"""

from __future__ import annotations

from torch import nn

from seglosses import losses
from seglosses.registry import MODELS


def _register_losses() -> None:
    """Put every loss module that ``seglosses.losses`` exports into MODELS under its own name."""
    for name in losses.__all__:
        member = getattr(losses, name)
        if isinstance(member, type) and issubclass(member, nn.Module):
            MODELS.register_module(name=name, module=member)


_register_losses()
