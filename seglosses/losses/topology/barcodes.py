"""Losses of barcodes: bars that the label has are made long, the others short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.compat import Compat, check_compat
from seglosses.losses.topology.bars import find_bars
from seglosses.losses.topology.released import released_topo_loss
from seglosses.primitives.checks import check_range
from seglosses.primitives.host_costs import cost_of_maps, host_cost

__all__ = [
    "TopoLoss",
    "TopologicalPriorLoss",
    "topo_loss",
    "topological_prior_loss",
]

Construction = Literal["V", "T"]


def topo_loss(
    prob: Tensor,
    target: Tensor,
    *,
    window: int | None = 64,
    construction: Construction = "T",
    min_length: float = 0.0,
) -> Tensor:
    r"""Topological loss of Hu et al.: the Wasserstein distance of two barcodes, squared.

        loss = sum over kept bars of (1 - b)^2 + d^2
             + sum over surplus bars of (b - d)^2 / 2  +  1/2 for each missing bar

    b and d are the probabilities at which components, loops and cavities of the superlevel sets
    appear and vanish. The bars of a hard label all run from 1 to 0, so the best matching keeps as
    many bars as its Betti numbers say, those that save most. Descent raises the peaks and lowers
    the saddles of kept structures, and does the opposite for surplus ones. The component that never
    dies counts as a bar down to 0: an empty label has no component, and wants none.

    Args:
        prob: Class probabilities, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2.
        window: Side of the windows whose barcodes are compared, pixels; ``None`` compares whole
            maps. A barcode knows no places; windows do.
        construction: 'T': the foreground is 8-connected (26 in 3D); 'V': 4-connected (6).
        min_length: Shorter bars are noise and cost nothing.

    Returns:
        One loss per image and class, (N, K).

    References:
        Hu et al., Topology-Preserving Deep Image Segmentation, NeurIPS 2019, arXiv:1906.05404.

    Example:
        >>> import torch
        >>> prob = torch.tensor([[[[1.0, 0.0, 0.6]]]])  # an island of 0.6 beside the true one
        >>> topo_loss(prob, torch.tensor([[[[1.0, 0.0, 0.0]]]]))  # 0.6^2 / 2
        tensor([[0.1800]])
    """
    options = dict(window=window, construction=construction, min_length=min_length)
    return cost_of_maps(_bars_cost, prob, target > 0.5, options)


@host_cost
def _bars_cost(
    prob: Tensor,
    target: Tensor,
    *,
    window: int | None,
    construction: Construction,
    min_length: float,
) -> Tensor:
    bars = find_bars(
        prob,
        target,
        "cheapest",
        window=window,
        construction=construction,
        min_length=min_length,
    )
    surplus = (bars.birth - bars.death).square() / 2
    kept = (1 - bars.birth).square() + bars.death.square()
    return bars.total(kept.where(bars.kept, surplus), prob, missing=0.5)


def topological_prior_loss(
    prob: Tensor,
    target: Tensor | None = None,
    *,
    betti: Sequence[int] | None = None,
    construction: Construction = "T",
) -> Tensor:
    r"""Topological prior of Clough et al.: the longest bars as given, no others.

        loss = sum_k ( sum_(l <= beta_k) (1 - pers_kl^2) + sum_(l > beta_k) pers_kl^2 )

    pers_k1 >= pers_k2 >= ... are the lengths b - d of the bars of dimension k. The label's Betti
    numbers are used where none are given; with given ones no label is needed.

    Args:
        prob: Class probabilities, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2; not used beside ``betti``.
        betti: Known numbers of components and loops (and cavities in 3D), the same for every map.
        construction: 'T': the foreground is 8-connected (26 in 3D); 'V': 4-connected (6).

    Returns:
        One loss per image and class, (N, K).

    Raises:
        ValueError: for neither or a wrong number of Betti numbers.

    References:
        Clough et al., A Topological Loss Function for Deep-Learning Based Image Segmentation Using
        Persistent Homology, TPAMI 2020, arXiv:1910.01877.

    Example:
        >>> import torch
        >>> prob = torch.tensor([[[[0.8, 0.1, 0.6]]]])  # bars of 0.8 and 0.5
        >>> topological_prior_loss(prob, betti=(1, 0))  # 1 - 0.8^2 + 0.5^2
        tensor([[0.6100]])
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
    options = dict(numbers=numbers, construction=construction)
    return cost_of_maps(_prior_cost, prob, target > 0.5, options)


@host_cost
def _prior_cost(
    prob: Tensor, target: Tensor, *, numbers: tuple[int, ...] | None, construction: Construction
) -> Tensor:
    wanted = target if numbers is None else numbers
    bars = find_bars(prob, wanted, "longest", construction=construction)
    length = (bars.birth - bars.death).square()
    return bars.total((1 - length).where(bars.kept, length), prob, missing=1.0)


def _check_construction(construction: str) -> None:
    if construction not in ("V", "T"):
        raise ValueError(f"construction must be 'V' or 'T', got {construction!r}")


class TopoLoss(MapLoss):
    """Registered form of :func:`topo_loss`.

    Pixels that are ignored or have weight 0 are background to both barcodes. Other weights than 0
    and 1 are refused, for a bar has no share of a pixel.

    Args:
        window: Side of the windows, pixels; ``None`` for whole maps.
        construction: 'T' (8-connected foreground) or 'V'.
        min_length: Shorter bars cost nothing.
        compat: 'topomortar' computes :func:`seglosses.losses.topology.released.released_topo_loss`,
            errors included, always with construction 'T'; TopoMortar takes ``window=50,
            min_length=0.03, loss_weight=100``.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for options that do not exist, and windows under 2 pixels.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[1.0, 0.1, 0.6]]]]).logit(1e-6)  # bars of 1 and 0.5
        >>> TopoLoss()(logits, torch.tensor([[[1, 0, 0]]]))  # the surplus one: 0.5^2 / 2
        tensor(0.1250)
    """

    formula = "sum of (1 - b)^2 + d^2 over kept bars and (b - d)^2 / 2 over surplus ones"
    paper = "Hu et al. 2019, arXiv:1906.05404"
    use_when = "components and loops are miscounted; beside CE and Dice; 4 to 24 times their cost"
    tags = ("thin", "topology")
    of_structures = True

    def __init__(
        self,
        window: int | None = 64,
        construction: Construction = "T",
        min_length: float = 0.0,
        compat: Compat | None = None,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", min_length=min_length)
        _check_construction(construction)
        check_compat(compat)
        if window is not None:
            check_range("[2, inf)", whole=True, remedy="or None for whole maps", window=window)
        self.window, self.construction, self.min_length = window, construction, min_length
        self.compat = compat

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Sum over bars."""
        if self.compat:
            return released_topo_loss(prob, target, window=self.window, min_length=self.min_length)
        return topo_loss(
            prob,
            target,
            window=self.window,
            construction=self.construction,
            min_length=self.min_length,
        )


class TopologicalPriorLoss(MapLoss):
    """Registered form of :func:`topological_prior_loss`.

    Pixels that are ignored or have weight 0 are background to both barcodes. Other weights than 0
    and 1 are refused, for a bar has no share of a pixel.

    Args:
        betti: Known Betti numbers of every class, or ``None`` for those of the label.
        construction: 'T' (8-connected foreground) or 'V'.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``construction`` that does not exist, and a wrong number of ``betti``.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[0.8, 0.1, 0.6]]]]).logit()  # bars of 0.8 and 0.5
        >>> labels = torch.zeros(1, 1, 3, dtype=torch.long)  # not looked at
        >>> TopologicalPriorLoss(betti=(1, 0))(logits, labels)  # 1 - 0.8^2 + 0.5^2
        tensor(0.6100)
    """

    formula = "sum of 1 - pers^2 over the beta_k longest bars and pers^2 over the others"
    paper = "Clough et al. 2020, arXiv:1910.01877"
    use_when = (
        "the right numbers of components and loops, of each label or known (one ring, one tree);"
        " with weight 0.01 beside CE and Dice; 6 to 24 times their cost"
    )
    tags = ("thin", "topology")
    of_structures = True

    def __init__(
        self,
        betti: Sequence[int] | None = None,
        construction: Construction = "T",
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        _check_construction(construction)
        self.betti = None if betti is None else tuple(betti)
        self.construction = construction

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Sum over bars."""
        return topological_prior_loss(
            prob, target, betti=self.betti, construction=self.construction
        )
