"""Class scores of box heads that tell background from objects in channels of their own."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor


class ObjectnessHead:
    """What a box head asks its loss about channels beyond those of the classes.

    Heads of MMDetection (``BBoxHead`` and its kin) make as many channels as
    :meth:`get_cls_channels` says where ``custom_cls_channels`` is true, and leave scores and
    accuracy to the loss.

    Attributes:
        objectness: Whether there are such channels.
        extra_channels: How many of them.
    """

    objectness: bool
    extra_channels: ClassVar[int]

    @property
    def custom_cls_channels(self) -> bool:
        """Whether the head asks the loss for the number of channels."""
        return self.objectness

    @property
    def custom_activation(self) -> bool:
        """Whether the head asks the loss for scores."""
        return self.objectness

    @property
    def custom_accuracy(self) -> bool:
        """Whether the head asks the loss for its accuracy."""
        return self.objectness

    def get_cls_channels(self, num_classes: int) -> int:
        """Channels of a head of so many classes, without background.

        Example:
            >>> from seglosses.losses import SeesawLoss
            >>> SeesawLoss(objectness=True).get_cls_channels(80)
            82
        """
        return num_classes + self.extra_channels

    def get_activation(self, cls_score: Tensor) -> Tensor:
        """Scores (n, C + 1) of logits (n, C + extra), background last.

        Example:
            >>> from seglosses.losses import EQLv2Loss
            >>> EQLv2Loss(objectness=True).get_activation(torch.zeros(1, 3))  # 1/2 (1 - 1/2)
            tensor([[0.2500, 0.2500, 0.5000]])
        """
        classes, background = self.parted(cls_score)
        return torch.cat([classes * (1 - background), background], 1)

    def get_accuracy(self, cls_score: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Per cent of rows that are rightly background or not, and of objects whose class is right.

        Where there is no row, or no object, that is 0.

        Example:
            >>> from seglosses.losses import SeesawLoss
            >>> scores = torch.tensor([[9.0, 0.0, 9.0, 0.0], [0.0, 9.0, 9.0, 0.0]])
            >>> SeesawLoss(objectness=True).get_accuracy(scores, torch.tensor([0, 2]))
            {'acc_objectness': tensor(50.), 'acc_classes': tensor(100.)}
        """
        classes, background = self.parted(cls_score.detach())
        none = labels >= classes.shape[1]
        found = (background.squeeze(1) > 0.5) == none
        right = (classes.argmax(1) == labels) & ~none
        return {
            "acc_objectness": 100 * found.float().sum() / max(len(labels), 1),
            "acc_classes": 100 * right.float().sum() / (~none).sum().clamp(min=1),
        }

    def parted(self, cls_score: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of the classes (n, C) and of background (n, 1)."""
        raise NotImplementedError
