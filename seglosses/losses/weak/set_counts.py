"""Soft counts of integer labels that stand for sets of classes, without a map of these."""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.extra_inputs import extra_input
from seglosses.losses.weak.possible_classes import LabelSets, labelled_classes
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.label_masses import Masses, masses_at
from seglosses.primitives.overlap import Counts, batch_counts


def merged_counts(batch: Aligned, owner: str) -> Counts:
    """Soft counts (N, C) of integer labels under softmax, unlabelled classes merged into class 0.

    As :func:`~seglosses.primitives.overlap.batch_counts` of :func:`merged_background`, by way of
    what each class has at pixels of label 0, so that no merged map is made.

    Args:
        batch: Aligned, with labels.
        owner: Class that asks, for messages.
    """
    here = labelled_classes(batch, owner).flatten(1)
    assert batch.labels is not None
    (tp, prob, target), at, _ = masses_at(batch, batch.labels, [0])
    is_first = torch.arange(batch.channels, device=here.device) == 0
    inside = is_first | ~here

    def merged(each: Tensor, background: Tensor) -> Tensor:
        total = torch.where(inside, background, 0.0).sum(1, keepdim=True)
        return torch.where(is_first, total, torch.where(here, each, 0.0))

    return _rounded(Counts(merged(tp, at[:, 0]), merged(prob, prob), target), batch)


def _rounded(counts: Counts, batch: Aligned) -> Counts:
    return Counts(*(count.to(batch.logits.dtype) for count in counts))


def excluded_counts(batch: Aligned, owner: str) -> Counts:
    """Soft counts (N, C) of integer labels under softmax and of where a class is impossible.

    Args:
        batch: Aligned, with labels.
        owner: Class that asks, for messages.

    Returns:
        Mass of a class where it is impossible, its mass, and pixels where it is impossible.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 0, 1]]))
        >>> [count.tolist() for count in excluded_counts(batch, "MyLoss")]
        [[[0.5, 1.5]], [[2.0, 2.0]], [[1.0, 3.0]]]
    """
    if extra_input("labelled") is None:
        counts = batch_counts(batch, "product")
        inside, pixels = counts.tp, counts.target
    else:
        hidden = ~labelled_classes(batch, owner).flatten(1)
        assert batch.labels is not None
        counts, at, first = masses_at(batch, batch.labels, [0])
        inside = counts.tp + torch.where(hidden, at[:, 0], 0.0)
        pixels = torch.where(hidden, first, counts.target)
    return _excluded(counts, inside, pixels, counts.target.sum(1, keepdim=True), batch)


def _excluded(
    counts: Counts, inside: Tensor, pixels: Tensor, all_pixels: Tensor, batch: Aligned
) -> Counts:
    # differences of large sums, which may end up below zero by a rounding
    outside = (all_pixels - pixels).clamp(min=0)
    return _rounded(Counts((counts.prob - inside).clamp(min=0), counts.prob, outside), batch)


def known_counts_of_sets(batch: Aligned, label_sets: LabelSets) -> Counts:
    """:func:`known_counts` of labels that stand for sets of classes, without a map of these.

    Args:
        batch: Aligned, with labels, of a softmax.
        label_sets: For each label its classes.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 2, 3), torch.tensor([[0, 1, 1]]))
        >>> counts = known_counts_of_sets(batch, [[0], [0, 1]])
        >>> [count.tolist() for count in counts]
        [[[0.5, 0.0]], [[0.5, 0.5]], [[1.0, 0.0]]]
    """
    masses, several = _masses_of_sets(batch, label_sets)
    tp, prob, target = masses.counts
    # of a class that is one of several nothing is known
    elsewhere = torch.einsum("nkc,kc->nc", masses.at, 1 - several)
    return _rounded(Counts(tp, prob + elsewhere, target), batch)


def excluded_counts_of_sets(batch: Aligned, label_sets: LabelSets) -> Counts:
    """:func:`excluded_counts` of labels that stand for sets of classes.

    Args:
        batch: Aligned, with labels, of a softmax.
        label_sets: For each label its classes.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 2, 3), torch.tensor([[0, 1, 1]]))
        >>> counts = excluded_counts_of_sets(batch, [[0], [0, 1]])
        >>> [count.tolist() for count in counts]
        [[[0.0, 0.5]], [[1.5, 1.5]], [[0.0, 1.0]]]
    """
    masses, several = _masses_of_sets(batch, label_sets)
    tp, prob, target = masses.counts
    counts = Counts(tp, prob + masses.at.sum(1), target)
    inside = tp + torch.einsum("nkc,kc->nc", masses.at, several)
    pixels = counts.target + masses.pixels @ several
    all_pixels = counts.target.sum(1, keepdim=True) + masses.pixels.sum(1, keepdim=True)
    return _excluded(counts, inside, pixels, all_pixels, batch)


def _masses_of_sets(batch: Aligned, label_sets: LabelSets) -> tuple[Masses, Tensor]:
    """Masses at labels of several classes, and which these are, (K, C) of 0 and 1."""
    assert batch.labels is not None
    channels, classes = batch.channels, [sorted(set(each)) for each in label_sets]
    several = [each for each in classes if len(each) > 1] or [[]]
    number = iter(range(channels, channels + len(several)))
    names = [each[0] if len(each) == 1 else next(number) for each in classes]
    labels = torch.tensor(names, device=batch.labels.device).take(batch.labels)
    masses = masses_at(batch, labels, range(channels, channels + len(several)))
    member = masses.at.new_zeros(len(several), channels)
    for row, each in enumerate(several):
        member[row, each] = 1
    return masses, member
