"""Our segmentation losses in the mask heads of MMDetection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seglosses.hosts.openmmlab.wrapping import with_options
from seglosses.losses.base import SegmentationLoss
from seglosses.registry import MODELS


@MODELS.register_module()
class ForMaskHead(nn.Module):
    """A segmentation loss for FCNMaskHead and its relatives, which predict a mask per class.

    Such a head calls ``loss_mask(logits (n, C, h, w), masks (n, h, w), labels (n,))``: the third
    argument is the class whose mask counts, where every other loss has a weight. This one picks the
    mask of that class and hands on n binary problems::

        loss_mask=dict(type='seglosses.ForMaskHead', loss=dict(type='seglosses.DiceLoss'))

    The heads of MaskFormer and Mask2Former need no wrapper. MaskFormer's ``loss_dice`` gets masks
    (m, h, w) and takes any loss of masks with ``use_sigmoid=True``. Mask2Former's gets random
    points (m, p), which have neither boundary nor topology: region losses take them, and losses of
    shape refuse them. ``loss_mask`` of both gets points in one long row, MaskFormer's with the
    target inverted, as rows of a detection head are: cross-entropy and focal loss take both.

    Args:
        loss: Config of the loss; ``use_sigmoid=True`` is added.
        loss_weight: Its weight, as well here as in its config.
        loss_name: Its name, likewise.

    Raises:
        ValueError: if it is not a segmentation loss of this package, or an option is given twice.
    """

    def __init__(
        self,
        loss: dict[str, Any],
        loss_weight: float | Mapping[str, float] | None = None,
        loss_name: str | None = None,
    ) -> None:
        super().__init__()
        given = with_options(
            "ForMaskHead", loss, {"loss_weight": loss_weight, "loss_name": loss_name}
        )
        built = MODELS.build({**given, "use_sigmoid": True})
        if not isinstance(built, SegmentationLoss):
            raise ValueError(
                f"expected a segmentation loss such as seglosses.DiceLoss, got {loss['type']}"
            )
        self.loss = built
        self.loss_name = built.loss_name

    def forward(self, pred: Tensor, target: Tensor, labels: Tensor) -> Tensor:
        """Loss of the masks of the labelled classes.

        Args:
            pred: Logits (n, C, h, w), or of points (n, C, P) as PointRend samples them; C may be 1
                for a class-agnostic head.
            target: Masks (n, h, w) or (n, P); values of 0.5 and more are foreground.
            labels: (n,).

        Returns:
            The loss of n binary problems.

        Raises:
            ValueError: for other shapes.

        Example:
            >>> loss = ForMaskHead(dict(type="seglosses.DiceLoss", smooth=0.0))
            >>> pred = torch.full((1, 2, 4, 4), -50.0)
            >>> pred[0, 1] = 50  # all of class 1, of which the left half is right
            >>> target = torch.tensor([[1.0, 1, 0, 0]]).expand(1, 4, 4)
            >>> loss(pred, target, torch.tensor([1]))  # 1 - 2 * 8 / (16 + 8)
            tensor(0.3333)
        """
        if pred.dim() < 3 or target.shape != (len(pred), *pred.shape[2:]):
            raise ValueError(
                "expected mask logits (n, C, h, w) and masks (n, h, w), got"
                f" {tuple(pred.shape)} and {tuple(target.shape)}; MaskFormer heads need no"
                " ForMaskHead"
            )
        rows = torch.arange(len(pred), device=pred.device)
        picked = pred[rows, labels.long() if pred.shape[1] > 1 else torch.zeros_like(rows)]
        loss: Tensor = self.loss(picked.unsqueeze(1), (target >= 0.5).long())
        return loss
