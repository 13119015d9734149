"""Losses of classes in a relation: an order, a tree, or rules for which may touch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.cumulated import cumulated_gap
from seglosses.primitives.entropy import cross_entropy
from seglosses.primitives.group_entropy import group_entropy

__all__ = [
    "HierarchicalCrossEntropyLoss",
    "SquaredEMDLoss",
    "hierarchical_cross_entropy_loss",
    "squared_emd_loss",
]

Groups = Sequence[Sequence[int]]


def squared_emd_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Squared earth mover's distance of ordered classes: a near miss costs less than a far one.

        loss = sum_c (P_c - T_c)^2,   P, T the cumulated probabilities of prediction and label

    It is the ranked probability score, whose expectation is smallest for the true probabilities.

    Args:
        logits: (N, C, *S), classes in their order (grades, depths, stages).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S) in [0, C - 1].

    References:
        Hou et al., Squared Earth Mover's Distance-based Loss, arXiv:1611.05916; Epstein 1969.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.5], [0.25], [0.25]]]).log()
        >>> squared_emd_loss(logits, torch.tensor([[0]]))  # (1 - 1/2)^2 + (1 - 3/4)^2
        tensor([[0.3125]])
        >>> squared_emd_loss(logits, torch.tensor([[2]]))  # (1/2)^2 + (3/4)^2
        tensor([[0.8125]])
    """
    return cumulated_gap(logits, target)


def hierarchical_cross_entropy_loss(
    logits: Tensor, target: Tensor, *, groups: Sequence[Groups] = (), decay: float = 0.5
) -> Tensor:
    r"""Cross-entropy at every level of a tree of classes.

        loss = -log p_y - sum_l decay^l log (sum of p over the group of y at level l)

    A confusion inside a group costs one term, one between groups all of them.

    Args:
        logits: (N, C, *S), of the leaves.
        target: Labels (N, *S), or class probabilities (N, C, *S).
        groups: The levels above the leaves, from the bottom up; each a list of groups of leaves.
            Leaves in no group of a level are groups of their own.
        decay: Factor of a level beside the one below.

    Returns:
        (N, *S).

    Raises:
        ValueError: for a leaf in two groups of a level, or that does not exist.

    References:
        Bertinetto et al., Making Better Mistakes, CVPR 2020, arXiv:1912.09393, as a sum over
        levels of marginal probabilities, as in Li et al., Deep Hierarchical Semantic Segmentation,
        CVPR 2022, arXiv:2203.14335.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.5], [0.25], [0.25]]]).log()  # cat, dog and car
        >>> animals = [[[0, 1]]]
        >>> hierarchical_cross_entropy_loss(logits, torch.tensor([[1]]), groups=animals, decay=1)
        tensor([[1.6740]])
    """
    levels = [
        (_group_of(gathered, logits.shape[1]), decay**level)
        for level, gathered in enumerate(groups, 1)
    ]
    return group_entropy(logits, target, levels) if levels else cross_entropy(logits, target)


def _group_of(groups: Groups, count: int) -> list[int]:
    place: dict[int, int] = {}
    for index, group in enumerate(groups):
        for leaf in group:
            if leaf in place or not 0 <= leaf < count:
                raise ValueError(
                    f"groups must share no leaf and hold leaves from 0 to {count - 1}, got {groups}"
                )
            place[leaf] = index
    numbers = {leaf: place.get(leaf, count + leaf) for leaf in range(count)}
    order = {number: index for index, number in enumerate(sorted(set(numbers.values())))}
    return [order[numbers[leaf]] for leaf in range(count)]


class SquaredEMDLoss(PixelLoss):
    """Registered form of :func:`squared_emd_loss`.

    Args:
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[0.5]], [[0.25]], [[0.25]]]]).log()
        >>> SquaredEMDLoss()(logits, torch.tensor([[[0]]]))  # (1 - 1/2)^2 + (1 - 3/4)^2
        tensor(0.3125)
    """

    formula = "sum_c (sum of p up to c - sum of y up to c)^2"
    paper = "Hou et al. 2016, arXiv:1611.05916"
    use_when = "classes are ordered (grades, stages, depths): a near miss costs less than a far one"
    tags = ("soft", "relation")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See :func:`squared_emd_loss`."""
        return squared_emd_loss(logits, target)


class HierarchicalCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`hierarchical_cross_entropy_loss`.

    Args:
        groups: The levels above the leaves, from the bottom up; each a list of groups of leaves.
        decay: Factor of a level beside the one below.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for a leaf in two groups of a level, or that does not exist.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[0.5]], [[0.25]], [[0.25]]]]).log()
        >>> loss = HierarchicalCrossEntropyLoss(groups=[[[0, 1]]], decay=1)
        >>> loss(logits, torch.tensor([[[1]]]))  # log 4 + log 4/3
        tensor(1.6740)
    """

    formula = "-log p_y - sum_l decay^l log p(group of y at level l)"
    paper = "Bertinetto et al. 2020, arXiv:1912.09393"
    use_when = "classes form a tree (land cover, parts of organs), and a sibling is a small mistake"
    tags = ("soft", "relation")

    def __init__(
        self, groups: Sequence[Groups] = (), decay: float = 0.5, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", decay=decay)
        self.groups, self.decay = groups, decay

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See :func:`hierarchical_cross_entropy_loss`."""
        return hierarchical_cross_entropy_loss(logits, target, groups=self.groups, decay=self.decay)
