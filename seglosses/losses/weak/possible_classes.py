"""Sets of possible classes: of a label, of an image, of a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seglosses.extra_inputs import extra_input, require_extra_input
from seglosses.primitives.checks import require, require_between
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.few_classes import as_factor
from seglosses.primitives.layout import flat_maps
from seglosses.primitives.overlap import Counts, Intersection, soft_counts

LabelSets = Sequence[Sequence[int]]


def possible_classes(target: Tensor) -> Tensor:
    """Which classes a pixel may have, of dense targets: the positive entries, or all without any.

    Example:
        >>> possible_classes(torch.tensor([[[0.5, 0.0], [0.5, 0.0], [0.0, 0.0]]]))[0].int()
        tensor([[1, 1],
                [1, 1],
                [0, 1]], dtype=torch.int32)
    """
    possible = target > 0
    return possible | ~possible.any(1, keepdim=True)


def with_sets(
    pred: Tensor,
    target: Tensor,
    label_sets: LabelSets | None,
    ignored: int | None,
    owner: str,
    *,
    keep: bool = False,
) -> Tensor:
    """Dense targets (N, C, *S) of labels that stand for sets of classes.

    Args:
        pred: Logits (N, C, *S).
        target: Labels (N, *S) or (N, 1, *S); dense targets pass.
        label_sets: For each label its classes; without them labels pass.
        ignored: Label that does not count; its pixels are zeros.
        owner: Class that asks, for messages.
        keep: Whether labels stay as they are, if no more than channels, once they are checked.

    Returns:
        Equal shares of the possible classes, which sum to 1.

    Raises:
        ValueError: for sets that are empty, or of unknown classes, and labels without a set.

    Example:
        >>> labels = torch.tensor([[0, 1, 255]])
        >>> with_sets(torch.zeros(1, 3, 3), labels, [[0, 2], [1]], 255, "MyLoss")
        tensor([[[0.5000, 0.0000, 0.0000],
                 [0.0000, 1.0000, 0.0000],
                 [0.5000, 0.0000, 0.0000]]])
    """
    if label_sets is None or target.shape == pred.shape:
        return target
    channels = pred.shape[1] if pred.dim() > 1 else 0
    known = all(each and all(0 <= c < channels for c in each) for each in label_sets)
    if not known or channels < 2:
        raise ValueError(
            f"{owner}: label_sets must name classes of {channels} channels, at least one per label"
            f" and two channels, got {label_sets}"
        )
    labels = target.squeeze(1) if target.dim() == pred.dim() else target
    seen = None if ignored is None else labels != ignored
    labels = labels if seen is None else labels.masked_fill(~seen, 0)
    require_between(
        labels, 0, len(label_sets) - 1, f"{owner}: labels must have one of {len(label_sets)} sets"
    )
    if keep and len(label_sets) <= channels:
        return target
    dense = torch.zeros(pred.shape, device=pred.device)
    for label, classes in enumerate(label_sets):
        here = labels == label if seen is None else (labels == label) & seen
        for each in set(classes):
            # a label has each class once, so that no place is filled twice
            dense[:, each].masked_fill_(here, 1 / len(set(classes)))
    return dense


def set_masks(labels: Tensor, label_sets: LabelSets, channels: int) -> Tensor:
    """Which classes labels may stand for, boolean (N, C, *S).

    Example:
        >>> set_masks(torch.tensor([[0, 1]]), [[0, 2], [1]], 3)[0].int()
        tensor([[1, 0],
                [0, 1],
                [1, 0]], dtype=torch.int32)
    """
    first = torch.tensor([each[0] for each in label_sets], device=labels.device)
    shape = len(labels), channels, *labels.shape[1:]
    masks = torch.zeros(shape, dtype=torch.bool, device=labels.device)
    masks.scatter_(1, first.take(labels).unsqueeze(1), True)
    for label, (_, *others) in enumerate(label_sets):
        if others:
            here = labels == label
            for each in others:
                masks[:, each].logical_or_(here)
    return masks


def merged_background(batch: Aligned, owner: str, *, merge: bool = True) -> Aligned:
    """The batch in which classes that an image does not label are one with class 0.

    Which ones says the extra input ``labelled``, (N, C) of 0 and 1; without it the batch is left as
    it is. Under softmax the logit of class 0 becomes that of the sum; independent channels get a
    certain 0 where they are not labelled. Unlabelled classes keep no gradient of their own channel.

    Args:
        batch: Aligned.
        owner: Class that asks, for messages.
        merge: Else only the target changes: pixels of class 0 may have an unlabelled class.

    Raises:
        ValueError: for other shapes or numbers, or labels of classes that are not labelled.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.tensor([[[0.5], [0.3], [0.2]]]).log(), torch.tensor([[0]]))
        >>> with extra_inputs(labelled=torch.tensor([[1, 1, 0]])):
        ...     merged_background(batch, "MyLoss").prob()  # .5 + .2
        tensor([[[0.7000],
                 [0.3000],
                 [0.0000]]])
    """
    if extra_input("labelled") is None:
        return batch
    here = labelled_classes(batch, owner)
    logits = batch.logits
    # as certain as float32 can be, and still harmless in sums with weight 0
    never = -1e30
    if batch.sigmoid:
        return batch._replace(logits=torch.where(here, logits, never))
    if merge:
        hidden = torch.where(here, -torch.inf, logits)
        background = torch.cat([logits[:, :1], hidden[:, 1:]], 1).logsumexp(1, keepdim=True)
        rest = torch.where(here, logits, never)[:, 1:]
        return batch._replace(logits=torch.cat([background, rest], 1))
    possible = batch.target(torch.bool) > 0
    possible = possible | (~here & possible[:, :1])
    shares = possible / possible.sum(1, keepdim=True, dtype=logits.dtype).clamp_(min=1)
    return batch._replace(labels=None, dense=shares)


def labelled_classes(batch: Aligned, owner: str) -> Tensor:
    """Which classes were labelled, boolean (N, C, 1, ...); under softmax always class 0."""
    given = require_extra_input("labelled", owner)
    shape = (len(batch.logits), batch.channels)
    if given.shape[:2] != shape or given.numel() != shape[0] * shape[1]:
        raise ValueError(
            f"{owner} got {tuple(given.shape)} for the extra input labelled, expected {shape}: for"
            " every image 1 for the classes that were labelled in it, 0 for the others"
        )
    require(((given == 0) | (given == 1)).all(), f"{owner}: labelled must hold 0 and 1")
    here = given.to(batch.logits.device).reshape(shape) > 0
    if not batch.sigmoid:
        here = here | (torch.arange(shape[1], device=here.device) == 0)
        if batch.labels is not None:
            known = here.gather(1, batch.labels.flatten(1))
            denied = ~known if batch.valid is None else ~known & batch.valid.flatten(1)
        else:
            denied = (batch.target() > 0).flatten(2) & ~here.unsqueeze(2)
        require(
            ~denied.any(),
            f"{owner}: some labels are of a class that the extra input labelled says was not"
            " labelled in their image",
        )
    return here.view(*shape, *(1,) * (batch.logits.dim() - 2))


def excluded_classes(batch: Aligned) -> Tensor:
    """Which classes a pixel cannot have, (N, C, *S) in the dtype of the logits; 0 where ignored.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 3, 2), torch.tensor([[0, 255]]))
        >>> excluded_classes(batch)[0, :, 0], excluded_classes(batch)[0, :, 1]
        (tensor([0., 1., 1.]), tensor([0., 0., 0.]))
    """
    target = batch.target()
    excluded = target <= 0
    if batch.valid is not None:
        excluded = excluded & batch.valid.unsqueeze(1)
    return excluded.to(batch.logits.dtype)


def known_counts(
    prob: Tensor,
    possible: Tensor,
    weight: Tensor | None = None,
    intersection: Intersection = "min",
) -> Counts:
    """Soft counts of the pixels of which it is known whether they have the class.

    Args:
        prob: (N, C, *S).
        possible: Positive for the classes that a pixel may have, (N, C, *S); none of a pixel that
            does not count.
        weight: Weights of pixels, (N, 1, *S).
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        Counts (N, C).

    Example:
        >>> prob = torch.full((1, 2, 3), 0.5)
        >>> possible = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]])
        >>> [count[0, 0].item() for count in known_counts(prob, possible)]
        [0.5, 1.0, 1.0]
    """
    # floats, which add up and multiply several times as fast as bits
    inside = as_factor(possible > 0, prob.dtype)
    certain = inside * as_factor(inside.sum(1, keepdim=True) == 1, prob.dtype)
    known = inside.sub_(certain).neg_().add_(1)
    if intersection == "norm2":
        return soft_counts(prob * known, certain, weight, intersection=intersection)
    # of what is certain the other intersections are products
    if weight is not None:
        certain, known = certain * weight, known * weight
    tp, mass, target = (flat_maps(each) for each in (prob * certain, prob * known, certain))
    return Counts(tp.sum(2), mass.sum(2), target.sum(2))
