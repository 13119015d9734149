"""Betti matching: components, loops and cavities of the prediction matched with the label's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.topology.form import Form, Levels, Side
from seglosses.losses.topology.matched_features import (
    MATCHED,
    MISSING,
    SURPLUS,
    given_loops,
    label_loops,
    matched_features,
)
from seglosses.primitives.host import host_table
from seglosses.primitives.host_costs import cost_of_maps, host_cost
from seglosses.primitives.label_halves import are_recorded, asked_map
from seglosses.topology.filtration import Construction
from seglosses.topology.matching import ImageIntervals

__all__ = [
    "BettiMatchingLoss",
    "betti_matching_loss",
]


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
    window: Side | None = None,
    threads: int | None = None,
    crop: Side | None = None,
    remember: int = 0,
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
        window: Side of windows, pixels, that are matched on their own and whose losses add up, or
            one for each axis; ``None`` matches whole maps.
        threads: Threads to use, ``None`` for as many as there are processors.
        crop: Side of a box, or one for each axis, drawn anew for every map and call by torch's
            generator, outside of which nothing is matched; ``None`` for everything. A patch of
            128 x 128 x 128 voxels then costs what a box costs.
        remember: How many labels of volumes to remember by their loops, where labels come again.

    Returns:
        One loss per image and class, (N, K): about twice the number of wrong features at first,
        and zero where prediction and label are equal.

    Raises:
        ValueError: For options that do not exist.

    References:
        Stucki et al., Topologically Faithful Image Segmentation via Induced Matching of Persistence
        Barcodes, ICML 2023, arXiv:2211.15272. Options: Berger et al., Topologically Faithful
        Multi-class Segmentation in Medical Images, MICCAI 2024, arXiv:2403.11001.

    Example:
        >>> prob = torch.tensor([[[[1.0, 0.1, 0.6]]]])  # an island of 0.6 beside the true one
        >>> betti_matching_loss(prob, torch.tensor([[[[1.0, 0.0, 0.0]]]]))  # (0.6 - 0.1)^2
        tensor([[0.2500]])
    """
    form = Form(
        filtration,
        construction,
        image_intervals,
        essential,
        min_length,
        weights,
        push_unmatched,
        window,
        threads,
        crop,
        remember,
    )
    return _matched_loss(prob, target, form)


def _matched_loss(prob: Tensor, target: Tensor, form: Form) -> Tensor:
    if not torch.compiler.is_compiling():
        return _cost.compute(prob, target, form=form)
    return cost_of_maps(_cost, prob, target, dict(form=asdict(form)))


@host_cost
def _cost(prob: Tensor, target: Tensor, *, form: Form | dict[str, Any]) -> Tensor:
    form = form if isinstance(form, Form) else Form(**form)
    table = host_table(
        matched_features,
        prob,
        target,
        columns=7,
        options=dict(
            levels=form.levels,
            essential=form.essential,
            window=form.window,
            crop=form.crop,
            remember=form.remember,
            threads=form.threads,
            construction=form.construction,
            image_intervals=form.image_intervals,
        ),
    )
    pred, label = prob.flatten(), target.to(prob.dtype).flatten()
    birth, death = at_pixels(pred, table[:, :2].t())
    wanted_birth, wanted_death = at_pixels(label, table[:, 2:4].t())
    row, low, kind = table[:, 4:].t()
    length = birth - death
    spent = length.square()
    if form.push_unmatched:
        sink = low.to(prob.dtype)
        spent = 2 * ((birth - sink).square() + (death - (1 - sink)).square())
    spent = torch.where(length.detach().abs() > form.min_length, spent, 0.0)
    of_birth = 2 * form.weights[0] * (birth - wanted_birth).square()
    of_both = of_birth + 2 * form.weights[0] * (death - wanted_death).square()
    costs = torch.where(kind == SURPLUS, form.weights[1] * spent, of_birth)
    costs = torch.where(kind == MATCHED, of_both, costs)
    costs = torch.where(kind == MISSING, (wanted_birth - wanted_death).square(), costs)
    rows = costs.new_zeros((prob.shape[0] * prob.shape[1],))
    total = rows.index_add(0, row, costs).view(prob.shape[:2]) / len(form.levels)
    # NaN came to nothing in the filtration; here it comes back, for a GradScaler to see
    return total + 0 * prob.flatten(2).sum(2)


def at_pixels(values: Tensor, index: Tensor) -> Tensor:
    """Values (M,) at flat indices of any shape; the backward pass adds where they repeat.

    Example:
        >>> at_pixels(torch.tensor([3.0, 4.0]), torch.tensor([[1, 0], [0, 0]]))
        tensor([[4., 3.],
                [3., 3.]])
    """
    return values.index_select(0, index.flatten()).view(index.shape)


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
        window: Side of windows that are matched on their own, or one for each axis; ``None`` for
            whole maps.
        threads: Threads, ``None`` for as many as there are processors.
        crop: Side of a random box of each map and call outside of which nothing is matched.
        remember: How many labels of volumes to remember, where labels come again.
        options: See :class:`~seglosses.losses.classwise.MapLoss`. Classes are taken one against
            the rest, by their softmax or sigmoid, and averaged. A hole that another class fills
            counts for both: as a loop of the one, as a component of the other. Name one of them in
            ``classes`` where that is not wanted.

    Attributes:
        form: All but the shared options as one record.

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
    use_when = (
        "every component and loop must be in its place; late, with weight 0.02 beside CE and Dice;"
        " 8 to 23 times their cost"
    )
    tags = ("thin", "topology", "cell")
    has_label_half = True
    of_structures = True
    reads_masks = True
    record = "form"

    def __init__(
        self,
        filtration: Levels = "superlevel",
        construction: Construction = "V",
        image_intervals: ImageIntervals = "all",
        essential: bool = True,
        min_length: float = 0.0,
        weights: tuple[float, float] = (1.0, 1.0),
        push_unmatched: bool = False,
        window: Side | None = None,
        threads: int | None = None,
        crop: Side | None = None,
        remember: int = 0,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        self.form = Form(
            filtration,
            construction,
            image_intervals,
            essential,
            min_length,
            (weights[0], weights[1]) if len(weights) == 2 else weights,
            push_unmatched,
            tuple(window) if isinstance(window, (list, tuple)) else window,
            threads,
            tuple(crop) if isinstance(crop, (list, tuple)) else crop,
            remember,
        )

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Sum over features."""
        loops = self._loops(target)
        if are_recorded():
            return prob.new_zeros(prob.shape[:2])
        if loops is None:
            return _matched_loss(prob, target, self.form)
        with given_loops(loops):
            return _matched_loss(prob, target, self.form)

    def _loops(self, target: Tensor) -> Tensor | None:
        # a box drawn at random is another label every time, and images have a shorter way
        if target.dim() < 5 or self.form.crop is not None:
            return None
        form = self.form
        options = dict(levels=form.levels, window=form.window, construction=form.construction)
        return asked_map(label_loops, target, dtype=torch.int32, extra=(2,), options=options)
