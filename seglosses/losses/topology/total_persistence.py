"""A regulariser of barcodes: bars that the label does not have are made short."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.topology.bars import find_bars
from seglosses.primitives.checks import check_range
from seglosses.primitives.host_costs import cost_of_maps, host_cost
from seglosses.topology.filtration import Construction

__all__ = ["TotalPersistenceLoss", "total_persistence_loss"]


def total_persistence_loss(
    prob: Tensor,
    target: Tensor | None = None,
    *,
    order: float = 1.0,
    betti: Sequence[int] | None = None,
    construction: Construction = "T",
) -> Tensor:
    r"""Total persistence: the lengths of all bars but the longest ones, which are the label's.

        loss = sum_k sum_(l > beta_k) pers_kl^order

    pers_k1 >= pers_k2 >= ... are the lengths of the bars of dimension k, and beta_k how many the
    label has. Unlike :func:`seglosses.losses.topology.barcodes.topological_prior_loss` it asks
    nothing of kept bars: it smooths away noise, and leaves the rest to the pixel loss beside it.

    Args:
        prob: Class probabilities, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2; not used beside ``betti``.
        order: Exponent of lengths: 1 pulls at all bars alike, 2 more at long ones.
        betti: How many bars of each dimension are free in place of the label's; the component that
            never dies is a bar down to 0.
        construction: 'T': the foreground is 8-connected (26 in 3D); 'V': 4-connected (6).

    Returns:
        One loss per image and class, (N, K); 0 for a map without surplus bars.

    Raises:
        ValueError: for neither or a wrong number of Betti numbers.

    References:
        Cohen-Steiner et al., Lipschitz functions have L_p-stable persistence, FoCM 2010; as a
        regulariser Chen et al., A topological regularizer for classifiers via persistent
        homology, AISTATS 2019, arXiv:1806.10714.

    Example:
        >>> import torch
        >>> prob = torch.tensor([[[[0.8, 0.1, 0.6]]]])  # bars of 0.8 and 0.5, of which one is free
        >>> total_persistence_loss(prob, torch.tensor([[[[1.0, 0.0, 0.0]]]]))
        tensor([[0.5000]])
    """
    dims = prob.dim() - 2
    if betti is not None:
        if len(betti) != dims or min(betti) < 0:
            raise ValueError(f"betti must be {dims} numbers from 0 on in {dims}D, got {betti!r}")
        target, numbers = torch.zeros_like(prob), tuple(map(int, betti))
    elif target is not None:
        numbers = None
    else:
        raise ValueError("give either a target or its Betti numbers, betti=(components, loops)")
    options = dict(numbers=numbers, order=order, construction=construction)
    return cost_of_maps(_lengths, prob, target > 0.5, options)


@host_cost
def _lengths(
    prob: Tensor,
    target: Tensor,
    *,
    numbers: tuple[int, ...] | None,
    order: float,
    construction: Construction,
) -> Tensor:
    wanted = target if numbers is None else numbers
    bars = find_bars(prob, wanted, "longest", construction=construction)
    length = (bars.birth - bars.death).pow(order)
    return bars.total(torch.where(bars.kept, 0.0, length), prob, missing=0.0)


class TotalPersistenceLoss(MapLoss):
    """Registered form of :func:`total_persistence_loss`.

    Pixels that are ignored or have weight 0 are background to both barcodes. Other weights than 0
    and 1 are refused, for a bar has no share of a pixel.

    Args:
        order: Exponent of lengths, at least 1.
        betti: How many bars of each dimension are free, or ``None`` for as many as the label has.
        construction: 'T' (8-connected foreground) or 'V'.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for an ``order`` below 1 or a ``construction`` that does not exist.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[0.8, 0.1, 0.6]]]]).logit()  # bars of 0.8 and 0.5
        >>> TotalPersistenceLoss(order=2)(logits, torch.tensor([[[1, 0, 0]]]))  # 0.5^2
        tensor(0.2500)
    """

    formula = "sum of pers^order over the bars beyond the beta_k longest"
    paper = "Chen et al. 2019, arXiv:1806.10714"
    use_when = (
        "specks and pinholes should go; beside a pixel loss; costs as much as TopologicalPriorLoss"
    )
    tags = ("topology",)
    of_structures = True

    def __init__(
        self,
        order: float = 1.0,
        betti: Sequence[int] | None = None,
        construction: Construction = "T",
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[1, inf)", order=order)
        if construction not in ("V", "T"):
            raise ValueError(f"construction must be 'V' or 'T', got {construction!r}")
        self.order, self.construction = order, construction
        self.betti = None if betti is None else tuple(betti)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Sum over bars."""
        return total_persistence_loss(
            prob, target, order=self.order, betti=self.betti, construction=self.construction
        )
