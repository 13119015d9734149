"""Contrastive loss of features at labelled pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_map, require_graph
from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range

__all__ = [
    "InfoNCELoss",
    "info_nce_loss",
]


def info_nce_loss(
    query: Tensor,
    positive: Tensor,
    negative: Tensor | None = None,
    *,
    temperature: float = 0.1,
) -> Tensor:
    r"""InfoNCE: each query should be nearer to its positive than to any negative.

        loss_i = -log(exp(q_i p_i / T) / (exp(q_i p_i / T) + sum_j exp(q_i n_j / T)))

    Vectors are scaled to length one. Without negatives, the other queries' positives are.

    Args:
        query: (n, D).
        positive: (n, D), row by row the query's.
        negative: (m, D), of all queries.
        temperature: T.

    Returns:
        One loss per query, (n,), positive.

    References:
        van den Oord et al., 2018, arXiv:1807.03748; with masked pixels in Shi et al., FreeCOS,
        ICCV 2023, arXiv:2307.07245.

    Example:
        >>> q = torch.tensor([[1.0, 0.0]])
        >>> info_nce_loss(q, q, torch.tensor([[0.0, 1.0]]), temperature=1.0)  # log(1 + 1 / e)
        tensor([0.3133])
    """
    q, p = F.normalize(query, dim=1), F.normalize(positive, dim=1)
    if negative is None:
        scores, wanted = q @ p.T, torch.arange(len(q), device=q.device)
    else:
        own = (q * p).sum(1, keepdim=True)
        scores = torch.cat([own, q @ F.normalize(negative, dim=1).T], 1)
        wanted = torch.zeros(len(q), dtype=torch.long, device=q.device)
    return F.cross_entropy(scores / temperature, wanted, reduction="none")


class InfoNCELoss(MapLoss):
    """:func:`info_nce_loss` of pixels of a class against all others; needs the input ``features``.

    Of each image and class, up to ``samples`` pixels, evenly spaced in reading order, are queries;
    the pixel half the list further on is a query's positive, and up to ``samples`` pixels outside
    the class are the negatives. Images without two pixels inside and one outside cost 0. The
    gradient goes to the features, none to the logits. Pixels that are ignored or have weight 0 are
    neither; weights of pixels other than 0 and 1 are refused.

    Args:
        temperature: T.
        samples: Most queries, and most negatives, of an image and class.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for under 2 samples, a ``temperature`` up to 0, missing ``features``, or such
            without a graph under logits that have one.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> features = torch.tensor([[[[1.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]]])  # q p = 1, q n = 0
        >>> with extra_inputs(features=features):
        ...     loss = InfoNCELoss(temperature=1.0)
        ...     loss(torch.zeros(1, 1, 1, 3), torch.tensor([[[1, 1, 0]]]))  # log(1 + 1 / e)
        tensor(0.3133)
    """

    formula = "-log(exp(q p / T) / (exp(q p / T) + sum exp(q n / T))), q, p inside, n outside"
    paper = "van den Oord et al. 2018, arXiv:1807.03748; Shi et al. 2023, arXiv:2307.07245"
    use_when = "features should separate classes, weight 0.04 (extra input: features)"
    needs = ("features",)
    of_structures = True

    def __init__(
        self, temperature: float = 0.1, samples: int = 256, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", temperature=temperature)
        check_range("[2, inf)", whole=True, samples=samples)
        self.temperature = temperature
        self.samples = samples

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over queries."""
        owner = type(self).__name__
        features = extra_map("features", owner, len(prob), tuple(prob.shape[2:]))
        require_graph(features, "features", owner, prob)
        vectors = features.flatten(2).transpose(1, 2)
        inside = target.flatten(2) > 0.5
        kept = torch.ones_like(inside) if mask is None else (mask.flatten(2) > 0).expand_as(inside)
        rows = [
            torch.stack([self._one(vectors[i], inside[i, k], kept[i, k]) for k in range(len(r))])
            for i, r in enumerate(inside)
        ]
        none = (prob * 0).flatten(2).sum(2)
        return torch.stack(rows).to(none.dtype) + none if rows else none

    def _one(self, vectors: Tensor, inside: Tensor, kept: Tensor) -> Tensor:
        own = self._spaced(vectors[inside & kept])
        others = self._spaced(vectors[~inside & kept])
        if len(own) < 2 or not len(others):
            return vectors[:0].sum()
        partner = own.roll(-(len(own) // 2), 0)
        return info_nce_loss(own, partner, others, temperature=self.temperature).mean()

    def _spaced(self, rows: Tensor) -> Tensor:
        if len(rows) <= self.samples:
            return rows
        steps = torch.arange(self.samples, device=rows.device) * len(rows) // self.samples
        return rows[steps]
