"""Warnings, once each, of settings of a loss that its head overrides or reads elsewhere."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from seglosses.primitives.attention import when_to_check

#: Rows that are looked at, and the share of one label from which it can only be background.
_ROWS, _SHARE = 16, 0.7
#: Calls that are looked at.
_CALLS = 3


class HeadSettings:
    """What was named already, of one loss.

    Example:
        >>> settings = HeadSettings("loss_dice")
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     for _ in range(2):
        ...         settings.name_ignore_index(own=0, given=255)
        >>> [str(one.message)[:57] for one in caught]
        ['ignore_index=0 of loss_dice is not used: its head gives 2']
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._ignore_named = False
        self._looked = 0

    def name_ignore_index(self, own: int | None, given: int | None, usual: int = 255) -> None:
        """Warn once where a head's ``ignore_index`` wins over another one of the loss.

        Args:
            own: The loss's.
            given: The head's; None where the caller gives none.
            usual: What a loss has that was told nothing.
        """
        if given is None or own in (given, usual) or self._ignore_named:
            return
        if torch.compiler.is_compiling():
            return
        self._ignore_named = True
        warnings.warn(
            f"ignore_index={own} of {self.name} is not used: its head gives {given} with every"
            " call; set ignore_index of the head (decode_head=dict(ignore_index=...)), or leave it"
            " out of the loss",
            stacklevel=3,
        )

    def look_for_background(self, pred: Tensor, target: object) -> None:
        """Warn once where a head has a channel for background, and the loss expects none.

        Heads of MMDetection read ``use_sigmoid`` from the config, where it counts as false unless
        it is written, whatever the loss has. With it background is the label after the last
        channel; without, the last channel's, which nearly all rows have.

        Args:
            pred: Logits (n, C).
            target: Labels (n,), alone or first of several.
        """
        labels = target[0] if isinstance(target, tuple) else target
        if self._looked >= _CALLS or not isinstance(labels, Tensor) or labels.dim() != 1:
            return
        if labels.is_floating_point() or len(labels) < _ROWS or pred.shape[1] < 2:
            return
        if when_to_check(labels) != "sync":
            return
        self._looked += 1
        last = pred.shape[1] - 1
        share = (labels == last).float().mean().item()
        if share < _SHARE or bool((labels > last).any()):
            return
        self._looked = _CALLS
        warnings.warn(
            f"{self.name} scores every class by itself, but {share:.0%} of the rows have the label"
            f" of the last of {last + 1} channels, and none that of background, {last + 1}: the"
            " head has made a channel for background, because it reads use_sigmoid from the"
            " config; write use_sigmoid=True beside the type of the loss",
            stacklevel=4,
        )
