"""Losses of classes that stand in a relation: an order, a tree, who may touch whom."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import one_hot
from seglosses.primitives.entropy import cross_entropy

__all__ = [
    "HierarchicalCrossEntropyLoss",
    "InteractionCrossEntropyLoss",
    "SquaredEMDLoss",
    "hierarchical_cross_entropy_loss",
    "interaction_cross_entropy_loss",
    "interaction_errors",
    "squared_emd_loss",
]

Groups = Sequence[Sequence[int]]
Pairs = Sequence[tuple[int, int]]


def _dense(target: Tensor, like: Tensor) -> Tensor:
    if target.dim() == like.dim():
        return target.to(like.dtype)
    return one_hot(target, like.shape[1], dtype=like.dtype)


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
        >>> logits = torch.tensor([[[0.5], [0.25], [0.25]]]).log()
        >>> squared_emd_loss(logits, torch.tensor([[0]]))  # (1 - 1/2)^2 + (1 - 3/4)^2
        tensor([[0.3125]])
        >>> squared_emd_loss(logits, torch.tensor([[2]]))  # (1/2)^2 + (3/4)^2
        tensor([[0.8125]])
    """
    apart = (logits.softmax(1) - _dense(target, logits)).cumsum(1)
    # the last sum is that of all probabilities on both sides
    return apart[:, :-1].square().sum(1)


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
        >>> logits = torch.tensor([[[0.5], [0.25], [0.25]]]).log()  # cat, dog and car
        >>> animals = [[[0, 1]]]
        >>> hierarchical_cross_entropy_loss(logits, torch.tensor([[1]]), groups=animals, decay=1)
        tensor([[1.6740]])
    """
    log_p = logits.log_softmax(1)
    dense = target.dim() == logits.dim()
    loss = cross_entropy(logits, target) if dense else F.nll_loss(log_p, target, reduction="none")
    for level, gathered in enumerate(groups, 1):
        of = _group_of(gathered, logits.shape[1])
        which = torch.tensor(of, device=logits.device)
        sums = torch.stack([_log_sum(log_p, leaves) for leaves in _leaves(of)], 1)
        if dense:
            part = -(target.to(sums.dtype) * sums[:, which]).sum(1)
        else:
            part = -sums.gather(1, which[target].unsqueeze(1)).squeeze(1)
        loss = loss + decay**level * part
    return loss


def _leaves(which: list[int]) -> list[list[int]]:
    return [[leaf for leaf, of in enumerate(which) if of == group] for group in sorted(set(which))]


def _log_sum(log_p: Tensor, leaves: list[int]) -> Tensor:
    total = log_p[:, leaves[0]]
    for leaf in leaves[1:]:
        total = torch.logaddexp(total, log_p[:, leaf])
    return total


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
        labels: Predicted classes, (N, *S), 2D or 3D.
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
            other = ~(mask | (labels == two)) if inside else labels == two
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
        >>> logits = torch.tensor([[[[4.0, 0.0]], [[0.0, 4.0]], [[0.0, 0.0]]]])  # 0 beside 1
        >>> label = torch.tensor([[[0, 2]]])
        >>> loss = interaction_cross_entropy_loss(logits, label, exclusion=[(0, 1)])
        >>> loss / F.cross_entropy(logits, label, reduction="none")
        tensor([[[2., 2.]]])
    """
    classes = {index for pair in (*inclusion, *exclusion) for index in pair}
    if classes and not 0 <= min(classes) <= max(classes) < logits.shape[1]:
        raise ValueError(
            f"pairs must name classes from 0 to {logits.shape[1] - 1}, got {sorted(classes)}"
        )
    if not classes:
        return cross_entropy(logits, target)
    seen = logits.detach().argmax(1)
    wrong = interaction_errors(seen, inclusion=inclusion, exclusion=exclusion, thickness=thickness)
    return cross_entropy(logits, target) * (1 + boost * wrong.to(logits.dtype))


class SquaredEMDLoss(PixelLoss):
    """Registered form of :func:`squared_emd_loss`.

    Args:
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
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

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See :func:`interaction_cross_entropy_loss`."""
        return interaction_cross_entropy_loss(
            logits,
            target,
            inclusion=self.inclusion,
            exclusion=self.exclusion,
            boost=self.boost,
            thickness=self.thickness,
        )
