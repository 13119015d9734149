"""Several losses where MONAI takes one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class SumOfLosses(nn.Module):
    """The sum of losses, for trainers and bundles of MONAI, which take a single one.

    Each loss has its own ``loss_weight``. Losses of MONAI and of this package may stand together.

    Args:
        losses: Losses of ``(input, target)``.

    Raises:
        ValueError: For an empty list and for what is no loss.

    Example:
        >>> from seglosses.losses import CrossEntropyLoss
        >>> loss = SumOfLosses([CrossEntropyLoss(), CrossEntropyLoss(loss_weight=0.5)])
        >>> logits = torch.zeros(1, 2, 1, 2)
        >>> loss(logits, torch.tensor([[[[0, 1]]]]))  # 3/2 log 2
        tensor(1.0397)
    """

    def __init__(self, losses: Sequence[nn.Module]) -> None:
        super().__init__()
        for loss in losses:
            if not isinstance(loss, nn.Module):
                raise ValueError(
                    f"expected losses, got {loss!r}: in a bundle each one is a dictionary with"
                    " _target_, such as seglosses.losses.DiceLoss"
                )
        if not len(losses):
            raise ValueError("expected at least one loss, got an empty list")
        self.losses = nn.ModuleList(losses)

    def forward(self, input: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
        """The sum.

        Args:
            input: Logits (B, C, *S).
            target: Labels (B, 1, *S) or one-hot (B, C, *S).

        Returns:
            A scalar.

        Raises:
            ValueError: For a list of outputs, as networks with deep supervision give, and for a
                target without channel.
        """
        if not isinstance(input, Tensor):
            raise ValueError(
                "the network gives a list of outputs: wrap the loss in"
                " monai.losses.DeepSupervisionLoss"
            )
        if target.dim() == input.dim() - 1:
            raise ValueError(
                f"target {tuple(target.shape)} has no channel, and input {tuple(input.shape)} has:"
                " add EnsureChannelFirstd(keys='label', channel_dim='no_channel') to the transforms"
            )
        return torch.stack([loss(input, target) for loss in self.losses]).sum()
