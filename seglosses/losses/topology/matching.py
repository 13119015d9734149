"""Betti matching: components, loops and cavities of prediction and label, each beside its own."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.topology.bars import windows
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.topology import betti_matching_batch
from seglosses.topology.filtration import Construction, Filtration, check_choice
from seglosses.topology.matching import ImageIntervals

__all__ = [
    "BettiMatchingLoss",
    "betti_matching_loss",
]

Levels = Literal["superlevel", "sublevel", "both"]
Index = NDArray[np.int64]


class Features(NamedTuple):
    """Features of a batch in one table (f, 6), by what became of them.

    Columns: birth and death in the prediction, birth and death in the label (flat indices into the
    whole batch), the map that the feature belongs to, and the probability that its birth should
    have where it is wrong (0 for superlevel sets, 1 for sublevel sets).

    Example:
        >>> found = Features(torch.zeros(4, 6), (1, 0, 2, 1))
        >>> [part.shape[1] for part in found.split()]
        [1, 0, 2, 1]
    """

    table: Tensor
    counts: tuple[int, int, int, int]  #: matched, never dying, surplus, missing

    def split(self) -> tuple[Tensor, ...]:
        """The four parts of the table, transposed (6, f)."""
        return tuple(part.t() for part in torch.split(self.table, list(self.counts)))


def betti_matching_loss(
    prob: Tensor,
    target: Tensor,
    *,
    filtration: Levels = "superlevel",
    construction: Construction = "V",
    image_intervals: ImageIntervals = "all",
    essential: bool = True,
    min_length: float = 0.0,
    weights: tuple[float, float] = (1.0, 1.0),
    push_unmatched: bool = False,
    window: int | None = None,
    threads: int | None = None,
) -> Tensor:
    r"""Betti matching loss: matched features agree, unmatched ones vanish.

        loss = w_m * sum over matched features of 2 ((b_p - b_t)^2 + (d_p - d_t)^2)
             + w_u * sum over surplus features of (b_p - d_p)^2
             + sum over missing features of (b_t - d_t)^2

    b and d are the values at the pixels where a component, loop or cavity of the superlevel sets of
    prediction (p) or label (t) is born and dies; :func:`seglosses.topology.betti_matching` says
    which belong together. Gradients flow through these values alone. A missing feature has no
    gradient: its place in the prediction is unknown until something grows there.

    The component that never dies is matched in every pair of images and costs 2 (b_p - b_t)^2.

    Args:
        prob: Class probabilities, (N, K, H, W) or (N, K, D, H, W), finite.
        target: One-hot or soft labels of that shape.
        filtration: 'superlevel' (components of the foreground), 'sublevel' (of the background) or
            'both', the mean of the two.
        construction: 'V': the foreground is 4-connected (6 in 3D); 'T': 8-connected (26).
        image_intervals: 'all' or 'positive', see :func:`seglosses.topology.betti_matching`.
        essential: Whether the component that never dies counts. The released programs leave it
            out; then a label of one component costs nothing where the prediction is empty.
        min_length: Surplus features that are not longer cost nothing.
        weights: w_m of matched and w_u of surplus features.
        push_unmatched: Price a surplus feature by 2 (b_p^2 + (1 - d_p)^2) instead (superlevel): its
            birth sinks to 0 and its death rises to 1, instead of both meeting half-way.
        window: Side of windows, pixels, that are matched on their own and whose losses add up;
            ``None`` matches whole maps.
        threads: Threads to use, ``None`` for as many as there are processors.

    Returns:
        One loss per image and class, (N, K): about twice the number of wrong features at first,
        and zero where prediction and label are equal.

    Raises:
        ValueError: For NaN, and options that do not exist.

    References:
        Stucki et al., Topologically Faithful Image Segmentation via Induced Matching of Persistence
        Barcodes, ICML 2023, arXiv:2211.15272. Options: Berger et al., Topologically Faithful
        Multi-class Segmentation in Medical Images, MICCAI 2024, arXiv:2403.11001.

    Example:
        >>> prob = torch.tensor([[[[1.0, 0.1, 0.6]]]])  # an island of 0.6 beside the true one
        >>> betti_matching_loss(prob, torch.tensor([[[[1.0, 0.0, 0.0]]]]))  # (0.6 - 0.1)^2
        tensor([[0.2500]])
    """
    levels: tuple[Filtration, ...] = (
        ("superlevel", "sublevel") if filtration == "both" else (filtration,)
    )
    found = _find_features(
        prob,
        target,
        levels,
        essential=essential,
        window=window,
        threads=threads,
        construction=construction,
        image_intervals=image_intervals,
    )
    pred, label = prob.flatten(), target.to(prob.dtype).flatten()
    matched, oldest, surplus, missing = found.split()
    difference = at_pixels(pred, matched[:2]) - at_pixels(label, matched[2:4])
    never = at_pixels(pred, oldest[0]) - at_pixels(label, oldest[2])
    birth, death = at_pixels(pred, surplus[:2])
    lost = at_pixels(label, missing[2]) - at_pixels(label, missing[3])
    kept = (birth - death).detach().abs() > min_length
    spent = (birth - death).square()
    if push_unmatched:
        low = surplus[5].to(prob.dtype)
        spent = 2 * ((birth - low).square() + (death - (1 - low)).square())
    costs = torch.cat(
        [
            2 * weights[0] * difference.square().sum(0),
            2 * weights[0] * never.square(),
            weights[1] * torch.where(kept, spent, 0.0),
            lost.square(),
        ]
    )
    rows = costs.new_zeros((prob.shape[0] * prob.shape[1],))
    return rows.index_add(0, found.table[:, 4], costs).view(prob.shape[:2]) / len(levels)


def at_pixels(values: Tensor, index: Tensor) -> Tensor:
    """Values (M,) at flat indices of any shape; the backward pass adds where they repeat.

    Example:
        >>> at_pixels(torch.tensor([3.0, 4.0]), torch.tensor([[1, 0], [0, 0]]))
        tensor([[4., 3.],
                [3., 3.]])
    """
    return values.index_select(0, index.flatten()).view(index.shape)


def _find_features(
    prob: Tensor,
    target: Tensor,
    levels: tuple[Filtration, ...],
    *,
    essential: bool,
    window: int | None,
    threads: int | None,
    construction: Construction,
    image_intervals: ImageIntervals,
) -> Features:
    """Match every window of every map: the batch goes down once, one table comes up."""
    maps = [prob.detach().flatten(0, 1), target.detach().to(prob.dtype).flatten(0, 1)]
    pred, label = maps if at_hand(prob) else torch.stack(maps).cpu()
    size = pred[0].numel() if len(pred) else 0
    pixels = np.arange(size).reshape(pred.shape[1:]) if size else np.zeros(0, np.int64)
    places = [(r, p) for r in range(len(pred)) for p in windows(tuple(pred.shape[1:]), window)]
    first, second = ([m[r][p] for r, p in places] for m in (pred.numpy(), label.numpy()))
    parts: list[list[Index]] = [[], [], [], []]
    for level in levels:
        matchings = betti_matching_batch(
            first,
            second,
            threads=threads,
            filtration=level,
            construction=construction,
            image_intervals=image_intervals,
        )
        for (row, part), matching in zip(places, matchings, strict=True):
            index = pixels[part].ravel()
            oldest = np.array([matching.essential] if essential else [], np.int64).reshape(-1, 2)
            groups = (
                np.concatenate(matching.matched),
                np.repeat(oldest, 2, axis=1),
                np.tile(np.concatenate(matching.unmatched_a), 2),
                np.tile(np.concatenate(matching.unmatched_b), 2),
            )
            for kind, group in zip(parts, groups, strict=True):
                tail = np.broadcast_to([row, level == "sublevel"], (len(group), 2))
                kind.append(np.concatenate([index[group] + row * size, tail], axis=1))
    counts = [sum(map(len, kind)) for kind in parts]
    rows = [each for kind in parts for each in kind]
    table = np.concatenate(rows) if rows else np.zeros((0, 6), np.int64)
    return Features(
        torch.from_numpy(table).to(prob.device), (counts[0], counts[1], counts[2], counts[3])
    )


class BettiMatchingLoss(MapLoss):
    """Registered form of :func:`betti_matching_loss`; beside a region loss, best from halfway on.

    Pixels that are ignored or have weight 0 are background to both maps. Other weights than 0 and
    1 are refused, for a feature has no share of a pixel.

    Args:
        filtration: 'superlevel', 'sublevel' or 'both'.
        construction: 'V' (4-connected foreground) or 'T' (8-connected).
        image_intervals: 'all' as in the released programs, or 'positive' as in the theory.
        essential: Whether the component that never dies counts.
        min_length: Surplus features that are not longer cost nothing.
        weights: Factors of matched and of surplus features.
        push_unmatched: Births of surplus features sink to 0 and their deaths rise to 1.
        window: Side of windows that are matched on their own; ``None`` for whole maps.
        threads: Threads, ``None`` for as many as there are processors.
        options: See :class:`~seglosses.losses.classwise.MapLoss`. Classes are taken one against
            the rest, by their softmax or sigmoid.

    Raises:
        ValueError: for options that do not exist, and windows under 2 pixels.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[1.0, 0.1, 0.6]]]]).logit(1e-6)  # an island of 0.6
        >>> BettiMatchingLoss()(logits, torch.tensor([[[1, 0, 0]]]))  # surplus: (0.6 - 0.1)^2
        tensor(0.2500)
    """

    formula = "sum of 2 |x_p - x_t|^2 over matched bars x = (b, d) and (b - d)^2 over the others"
    paper = "Stucki et al. 2023, arXiv:2211.15272"
    use_when = "every component and loop at its place; late, beside CE and Dice; 1.4 times these"
    of_structures = True

    def __init__(
        self,
        filtration: Levels = "superlevel",
        construction: Construction = "V",
        image_intervals: ImageIntervals = "all",
        essential: bool = True,
        min_length: float = 0.0,
        weights: tuple[float, float] = (1.0, 1.0),
        push_unmatched: bool = False,
        window: int | None = None,
        threads: int | None = None,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", min_length=min_length)
        check_choice("filtration", filtration, ("superlevel", "sublevel", "both"))
        check_choice("construction", construction, ("V", "T"))
        check_choice("image_intervals", image_intervals, ("all", "positive"))
        if window is not None:
            check_range("[2, inf)", whole=True, remedy="or None for whole maps", window=window)
        if len(weights) != 2:
            raise ValueError(f"weights must be those of matched and surplus bars, got {weights!r}")
        for share in weights:
            check_range("[0, inf)", weights=share)
        if threads is not None:
            check_range("[1, inf)", whole=True, threads=threads)
        self.filtration, self.construction = filtration, construction
        self.image_intervals, self.essential = image_intervals, essential
        self.min_length, self.weights = min_length, tuple(weights)
        self.push_unmatched, self.window, self.threads = push_unmatched, window, threads

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Sum over features."""
        return betti_matching_loss(
            prob,
            target,
            filtration=self.filtration,
            construction=self.construction,
            image_intervals=self.image_intervals,
            essential=self.essential,
            min_length=self.min_length,
            weights=(self.weights[0], self.weights[1]),
            push_unmatched=self.push_unmatched,
            window=self.window,
            threads=self.threads,
        )
