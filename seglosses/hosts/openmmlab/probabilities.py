"""Our losses in heads of MMDetection that pass probabilities instead of logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from seglosses.hosts.openmmlab.wrapping import with_options
from seglosses.losses.base import SegmentationLoss
from seglosses.losses.box.quality import QualityLoss
from seglosses.primitives.checks import require_between
from seglosses.registry import MODELS


@MODELS.register_module()
class ForProbabilities(nn.Module):
    """A loss for heads that apply the sigmoid themselves.

    Decoupled SOLO and QueryInst give ``loss_mask`` probabilities, and TOOD ``loss_cls``; their
    configs say so by ``activate=False`` or ``activated=True`` of the host's own loss. Our losses
    take logits, and would apply the sigmoid a second time::

        loss_mask=dict(
            type='seglosses.ForProbabilities', loss=dict(type='seglosses.DiceLoss'))

    The logit of a probability p is log(p / (1 - p)), of p clamped to [eps, 1 - eps].

    Args:
        loss: Config of the loss; ``use_sigmoid=True`` is added.
        use_sigmoid: Must be true; heads read it from the config.
        eps: Smallest probability, and largest distance from 1.
        loss_weight: Weight of the loss, as well here as in its config.
        loss_name: Name of the loss, likewise.

    Raises:
        ValueError: if it is no loss of this package that takes logits, or an option is given twice.
    """

    def __init__(
        self,
        loss: dict[str, Any],
        use_sigmoid: Literal[True] = True,
        eps: float = 1e-6,
        loss_weight: float | Mapping[str, float] | None = None,
        loss_name: str | None = None,
    ) -> None:
        super().__init__()
        if not use_sigmoid:
            raise ValueError("these probabilities are of a sigmoid: set use_sigmoid=True")
        kind = MODELS.get(loss["type"]) if isinstance(loss["type"], str) else loss["type"]
        if not isinstance(kind, type) or not issubclass(kind, (SegmentationLoss, QualityLoss)):
            raise ValueError(
                "expected a loss of logits such as seglosses.DiceLoss or seglosses.FocalLoss, got"
                f" {loss['type']}"
            )
        given = with_options(
            "ForProbabilities", loss, {"loss_weight": loss_weight, "loss_name": loss_name}
        )
        self.loss = MODELS.build({**given, "use_sigmoid": True})
        self.loss_name = self.loss.loss_name
        self.use_sigmoid = True
        self.eps = eps

    def forward(
        self,
        pred: Tensor,
        target: Any,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Loss of probabilities.

        Args:
            pred: Probabilities.
            target: As of the loss.
            weight: As of the loss.
            avg_factor: Divisor of 'mean'.
            reduction_override: Wins over ``reduction``.

        Returns:
            What the loss returns for their logits.

        Raises:
            ValueError: for a ``pred`` with values outside of [0, 1], as logits have.

        Example:
            >>> loss = ForProbabilities(dict(type="seglosses.DiceLoss", smooth=0.0))
            >>> pred = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
            >>> loss(pred, torch.tensor([[1.0, 0.0, 0.0, 0.0]]))  # 1 - 2 * 1 / (1 + 2)
            tensor(0.3333)
        """
        require_between(pred.detach(), 0.0, 1.0, "pred must hold probabilities in [0, 1]")
        prob = pred if pred.dtype == torch.float64 else pred.float()
        logits = torch.logit(prob, self.eps)
        loss: Tensor = self.loss(logits, target, weight, avg_factor, reduction_override)
        return loss
