"""Cross-entropy of classes that must not touch, or must lie inside each other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.entropy import cross_entropy

__all__ = [
    "InteractionCrossEntropyLoss",
    "interaction_cross_entropy_loss",
    "interaction_errors",
]


Pairs = Sequence[tuple[int, int]]


def interaction_errors(
    labels: Tensor,
    *,
    inclusion: Pairs = (),
    exclusion: Pairs = (),
    thickness: int = 1,
) -> Tensor:
    """Pixels that break what anatomy forbids or demands of neighbouring classes.

    A pair (a, b) of ``inclusion`` demands that a touches nothing but b (a lies inside b); one of
    ``exclusion`` forbids a and b to touch. Both pixels of a wrong pair are marked.

    Args:
        labels: Predicted classes, (N, *S), 2D or 3D. What is below 0 is no class, and touches
            nothing.
        inclusion: Pairs of an inner class and the one around it.
        exclusion: Pairs of classes that keep apart.
        thickness: Pixels up to which classes touch, over corners too (8 neighbours, 26 in 3D).

    Returns:
        Boolean (N, *S).

    References:
        Gupta et al., Learning Topological Interactions for Multi-Class Medical Image Segmentation,
        ECCV 2022, arXiv:2207.09654; equal to TopoXLab/TopoInteraction (1d8d6eb) with 8 (26)
        neighbours.

    Example:
        >>> row = torch.tensor([[[0, 1, 2, 2, 0, 0]]])
        >>> interaction_errors(row, exclusion=[(0, 1)]).int()
        tensor([[[1, 1, 0, 0, 0, 0]]], dtype=torch.int32)
        >>> interaction_errors(row, inclusion=[(1, 2)]).int()  # 1 may touch 2 alone
        tensor([[[1, 1, 0, 0, 0, 0]]], dtype=torch.int32)
    """
    wrong = torch.zeros_like(labels, dtype=torch.bool)
    for pairs, inside in ((inclusion, True), (exclusion, False)):
        for one, two in pairs:
            mask = labels == one
            other = labels == two
            if inside:
                other = ~(mask | other) & (labels >= 0)
            wrong |= (mask & _near(other, thickness)) | (other & _near(mask, thickness))
    return wrong


def _near(mask: Tensor, steps: int) -> Tensor:
    # axis by axis on booleans, which costs a third of a pooling of numbers
    for axis in range(1, mask.dim()):
        size = mask.shape[axis]
        grown = mask.clone()
        for step in range(1, min(steps, size - 1) + 1):
            rest = size - step
            grown.narrow(axis, step, rest).logical_or_(mask.narrow(axis, 0, rest))
            grown.narrow(axis, 0, rest).logical_or_(mask.narrow(axis, step, rest))
        mask = grown
    return mask


def interaction_cross_entropy_loss(
    logits: Tensor,
    target: Tensor,
    *,
    inclusion: Pairs = (),
    exclusion: Pairs = (),
    boost: float = 1.0,
    thickness: int = 1,
) -> Tensor:
    r"""Cross-entropy, raised where the prediction breaks what classes may touch.

        loss = (1 + boost * wrong) CE,   wrong = interaction_errors of the predicted classes

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        inclusion: Pairs of an inner class and the one around it.
        exclusion: Pairs of classes that keep apart.
        boost: Weight of wrong pixels beside the plain loss.
        thickness: Pixels up to which classes touch.

    Returns:
        (N, *S); plain cross-entropy where nothing is wrong, or no pair is given.

    Raises:
        ValueError: for a class that does not exist.

    References:
        Gupta et al., ECCV 2022, arXiv:2207.09654: its loss is the boost alone, summed over the
        pixels of an image, beside cross-entropy and Dice.

    Example:
        >>> from torch.nn import functional as F
        >>> logits = torch.tensor([[[[4.0, 0.0]], [[0.0, 4.0]], [[0.0, 0.0]]]])  # 0 beside 1
        >>> label = torch.tensor([[[0, 2]]])
        >>> loss = interaction_cross_entropy_loss(logits, label, exclusion=[(0, 1)])
        >>> loss / F.cross_entropy(logits, label, reduction="none")
        tensor([[[2., 2.]]])
    """
    loss = cross_entropy(logits, target)
    if not any(map(len, (inclusion, exclusion))):
        return loss
    return loss * _factor(logits, None, inclusion, exclusion, boost, thickness)


def _factor(
    logits: Tensor,
    valid: Tensor | None,
    inclusion: Pairs,
    exclusion: Pairs,
    boost: float,
    thickness: int,
) -> Tensor:
    """By what cross-entropy is raised, (N, *S); ignored pixels touch nothing."""
    classes = {index for pair in (*inclusion, *exclusion) for index in pair}
    if not 0 <= min(classes) <= max(classes) < logits.shape[1]:
        raise ValueError(
            f"pairs must name classes from 0 to {logits.shape[1] - 1}, got {sorted(classes)}"
        )
    # six times as fast as argmax on a CPU
    seen = logits.detach().max(1).indices
    if valid is not None:
        seen = seen.masked_fill(~valid, -1)
    wrong = interaction_errors(seen, inclusion=inclusion, exclusion=exclusion, thickness=thickness)
    return 1 + boost * wrong.to(logits.dtype)


class InteractionCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`interaction_cross_entropy_loss`.

    Args:
        inclusion: Pairs of an inner class and the one around it.
        exclusion: Pairs of classes that keep apart.
        boost: Weight of wrong pixels beside the plain loss.
        thickness: Pixels up to which classes touch.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for a class that does not exist, and a ``thickness`` below 1.

    Example:
        >>> logits = torch.tensor([[[[4.0, 0.0]], [[0.0, 4.0]], [[0.0, 0.0]]]])  # 0 beside 1
        >>> apart = InteractionCrossEntropyLoss(exclusion=[(0, 1)])
        >>> plain, label = InteractionCrossEntropyLoss(), torch.tensor([[[0, 2]]])
        >>> apart(logits, label) / plain(logits, label)
        tensor(2.)
    """

    formula = "(1 + boost [the prediction breaks a pair here]) (-log p_y)"
    paper = "Gupta et al. 2022, arXiv:2207.09654"
    use_when = "anatomy says which classes lie inside each other, or never touch"
    tags = ("topology", "relation")

    def __init__(
        self,
        inclusion: Pairs = (),
        exclusion: Pairs = (),
        boost: float = 1.0,
        thickness: int = 1,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", boost=boost)
        check_range("[1, inf)", whole=True, thickness=thickness)
        self.inclusion, self.exclusion = inclusion, exclusion
        self.boost, self.thickness = boost, thickness

    def _counted(self, batch: Aligned, target: Tensor) -> Tensor:
        loss = super()._counted(batch, target)
        return self._raised(loss, batch.logits, batch.valid) if self._has_pairs else loss

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        loss = super()._by_channel(logits, batch)
        if not self._has_pairs:
            return loss
        maps = logits.reshape(-1, 1, *logits.shape[2:])
        valid = None if batch.valid is None else batch.valid.repeat_interleave(logits.shape[1], 0)
        return self._raised(loss, torch.cat([-maps, maps], 1), valid)

    @property
    def _has_pairs(self) -> bool:
        return any(map(len, (self.inclusion, self.exclusion)))

    def _raised(self, loss: Tensor, logits: Tensor, valid: Tensor | None) -> Tensor:
        pairs = self.inclusion, self.exclusion
        factor = _factor(logits, valid, *pairs, self.boost, self.thickness)
        return loss * factor.view(loss.shape)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy, to be raised where the predicted classes break a pair."""
        return cross_entropy(logits, target)
