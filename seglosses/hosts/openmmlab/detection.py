"""What our losses need to work in every MMDetection head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from seglosses.hosts.openmmlab.wrapping import with_options
from seglosses.losses import WiseIoULoss
from seglosses.losses.box.quality import QualityLoss
from seglosses.registry import HOOKS, MODELS


@HOOKS.register_module()
class RunningMeanHook(Hook):
    """Make the running mean of every ``WiseIoULoss`` the same on all ranks, after each iteration.

    The loss cannot do it itself: heads skip it on ranks where nothing was matched, and the others
    would wait for ever.
    """

    priority = "NORMAL"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Average over ranks."""
        for module in runner.model.modules():
            if isinstance(module, WiseIoULoss):
                module.sync()


@MODELS.register_module(name="ForDETR")
def for_detr(
    loss: dict[str, Any],
    use_sigmoid: Literal[True] = True,
    loss_weight: float | Mapping[str, float] | None = None,
    loss_name: str | None = None,
) -> nn.Module:
    """Build a quality loss that the DETR heads of MMDetection recognise.

    DETRHead, DINOHead and GroundingDINOHead give IoUs to ``loss_cls`` only if it is an instance of
    MMDetection's own QualityFocalLoss; to any other loss they give labels alone, and then every
    object has quality 1. The loss built here is of both classes::

        loss_cls=dict(
            type='seglosses.ForDETR',
            loss=dict(type='seglosses.MatchabilityAwareLoss', gamma=1.5))

    Args:
        loss: Config of the loss.
        use_sigmoid: Must be true; the head reads it from the config.
        loss_weight: Weight of the loss, as well here as in its config.
        loss_name: Name of the loss, likewise.

    Returns:
        The loss, with MMDetection's class among its bases.

    Raises:
        ValueError: if it is not a quality loss of this package, or an option is given twice.

    Example:
        >>> loss = for_detr(dict(type="seglosses.QualityFocalLoss"))
        >>> type(loss).__name__, [base.__module__.split(".")[0] for base in type(loss).__bases__]
        ('QualityFocalLoss', ['seglosses', 'mmdet'])
    """
    from mmdet.models.losses import QualityFocalLoss

    if not use_sigmoid:
        raise ValueError("quality losses score every class by itself: set use_sigmoid=True")
    given = with_options("ForDETR", loss, {"loss_weight": loss_weight, "loss_name": loss_name})
    built = MODELS.build(given)
    if not isinstance(built, QualityLoss):
        raise ValueError(
            f"expected a quality loss such as seglosses.MatchabilityAwareLoss, got {loss}; others"
            " do not use IoUs and need no wrapper"
        )
    cls = type(built)
    built.__class__ = type(cls.__name__, (cls, QualityFocalLoss), {})
    return built
