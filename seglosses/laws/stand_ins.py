"""Losses with further inputs, wrapped as losses of logits and labels for the laws.

What a loss needs beside logits and labels is made from them, so that a law says the same as for
any other loss: a teacher who is sure of the label predicts it perfectly, an image that has one
colour per class shows where it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seglosses.extra_inputs import extra_inputs
from seglosses.laws.inputs import SURE, indicators
from seglosses.laws.subject import Subject
from seglosses.losses.box.distribution import DistributionFocalLoss
from seglosses.losses.box.fine_grained import (
    DecoupledDistillationFocalLoss,
    FineGrainedLocalizationLoss,
)
from seglosses.losses.box.quality import QualityLoss

#: Settings in which a loss of ours is not defined.
UNDEFINED: dict[str, tuple[str, ...]] = {
    "BoundaryDistillationLoss": ("multi-label",),
    "DecoupledDistillationFocalLoss": ("1 channel", "multi-label"),
    "DistributionFocalLoss": ("1 channel", "multi-label"),
    "FineGrainedLocalizationLoss": ("1 channel", "multi-label"),
}


@dataclass(frozen=True)
class StandIn:
    """A loss that is given what it needs, made from the labels.

    - ``teacher``, ``teacher_features``, ``second_logits``: logits that are sure of the label.
    - ``image``: a colour per class.
    - ``features``: the logits themselves; ``attributions``: their sigmoid. They get the gradient.
    - Losses of volumes get images as volumes of one slice, losses of rows every pixel as a row,
      and losses of distances the number of the label as a distance. Where their bins must be odd
      in number, an even number of classes gets one more that is never predicted.

    Args:
        loss: The loss itself.

    Example:
        >>> import torch
        >>> from seglosses.losses import KLDistillationLoss
        >>> call = StandIn(KLDistillationLoss())
        >>> logits = torch.tensor([[[[-40.0]], [[40.0]]]])
        >>> call(logits, torch.tensor([[[1]]]))  # as sure as the teacher, and of the same class
        tensor(0.)
    """

    loss: Any

    @property
    def is_needed(self) -> bool:
        """Whether the loss takes anything but logits and labels of images."""
        return bool(self._needs or self._volumes or self._rows)

    def __call__(self, pred: Tensor, target: Tensor, **more: Tensor) -> Tensor:
        """The loss of logits (N, C, *S) and labels (N, *S)."""
        call: Callable[..., Tensor] = self.loss
        if self._volumes:
            lifted = {name: value.unsqueeze(1) for name, value in more.items()}
            return call(pred.unsqueeze(2), target.unsqueeze(-3), **lifted)
        if self._rows:
            flat = {name: value.reshape(-1) for name, value in more.items()}
            return call(*self._as_rows(pred, target), **flat)
        with extra_inputs(**_made(self._needs, pred, target)):
            return call(pred, target, **more)

    def limited(self, subject: Subject) -> Subject:
        """The subject without what the loss does not know: volumes, an ignored label, soft labels.

        Example:
            >>> from seglosses.losses import VarifocalLoss
            >>> call = StandIn(VarifocalLoss())
            >>> call.limited(Subject("rows", "segmentation", call)).ignore_index is None
            True
        """
        one_form = self._volumes or self._rows
        return replace(
            subject,
            dims=(2,) if one_form else subject.dims,
            ignore_index=None if self._rows else subject.ignore_index,
            soft=subject.soft and not (self._distances or self._taught),
            # the time of losses that compare rows grows with the square of the objects
            side=min(subject.side, 32) if getattr(self.loss, "of_pairs", False) else subject.side,
        )

    @property
    def _needs(self) -> tuple[str, ...]:
        needs: tuple[str, ...] = getattr(self.loss, "needs", ())
        return needs

    @property
    def _volumes(self) -> bool:
        return getattr(self.loss, "spatial_dims", None) == (3,)

    @property
    def _distances(self) -> bool:
        return isinstance(self.loss, DistributionFocalLoss)

    @property
    def _rows(self) -> bool:
        return self._distances or self._taught or isinstance(self.loss, QualityLoss)

    @property
    def _taught(self) -> bool:
        return isinstance(self.loss, DecoupledDistillationFocalLoss)

    def _as_rows(self, pred: Tensor, target: Tensor) -> tuple[Tensor, Any]:
        channels = pred.shape[1]
        rows = pred.movedim(1, -1).reshape(-1, channels)
        if target.is_floating_point():
            return rows, target.movedim(1, -1).reshape(-1, channels)
        labels = target.reshape(-1)
        if self._distances:
            if isinstance(self.loss, FineGrainedLocalizationLoss) and channels % 2 == 0:
                rows = functional.pad(rows, (0, 1), value=-SURE)
            return rows, self.loss.distances(rows.shape[1]).to(rows)[labels]
        if self._taught:
            sure = 2 * SURE * indicators(labels.unsqueeze(0), channels)[0].T - SURE
            return rows, (sure.to(rows.dtype), labels != 0)
        # in rows of one channel the class has number 0, and 1 is the background
        return rows, 1 - labels if channels == 1 else labels


def _made(needs: tuple[str, ...], pred: Tensor, target: Tensor) -> dict[str, Tensor]:
    channels = pred.shape[1]
    hot = target
    if not target.is_floating_point():
        hot = indicators(target, channels).float()
    sure = (2 * SURE * hot - SURE).to(pred.dtype)
    # torch 2.4 cannot pad an image without a pixel
    rest = hot.new_zeros(len(hot), max(8 - channels, 0), *hot.shape[2:])
    made = {
        "teacher": sure,
        "second_logits": sure,
        "teacher_features": sure,
        # of as many colours whatever the number of classes, for some losses are means over them
        "image": 50 * torch.cat([hot, rest], 1),
        "features": pred,
        "attributions": pred.float().sigmoid() if pred.dtype.itemsize < 4 else pred.sigmoid(),
    }
    return {name: made[name] for name in needs}
