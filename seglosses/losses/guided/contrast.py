"""Contrastive loss of features at labelled pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_map, require_graph
from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.layout import pick_channels
from seglosses.primitives.sampling import spread_places

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
    decoupled: bool = False,
) -> Tensor:
    r"""InfoNCE: each query should be nearer to its positive than to any negative.

        loss_i = -log(exp(q_i p_i / T) / (exp(q_i p_i / T) + sum_j exp(q_i n_j / T)))

    Vectors are scaled to length one. Without negatives, the other queries' positives are.

    Args:
        query: (n, D).
        positive: (n, D), row by row the query's.
        negative: (m, D), of all queries.
        temperature: T, divides the similarities.
        decoupled: Leave exp(q_i p_i / T) out of the denominator, so that a query that is right
            keeps its gradient.

    Returns:
        One loss per query, (n,), positive; a decoupled one has no bound below, and is 0 where
        there is no negative.

    References:
        van den Oord et al., 2018, arXiv:1807.03748; with masked pixels in Shi et al., FreeCOS,
        ICCV 2023, arXiv:2307.07245; decoupled in Yeh et al., ECCV 2022, arXiv:2110.06848.

    Example:
        >>> q = torch.tensor([[1.0, 0.0]])
        >>> info_nce_loss(q, q, torch.tensor([[0.0, 1.0]]), temperature=1.0)  # log(1 + 1 / e)
        tensor([0.3133])
        >>> info_nce_loss(q, q, torch.tensor([[0.0, 1.0]]), temperature=1.0, decoupled=True)
        tensor([-1.])
    """
    q, p = F.normalize(query, dim=1), F.normalize(positive, dim=1)
    if negative is None:
        scores, wanted = q @ p.T, torch.arange(len(q), device=q.device)
    else:
        own = (q * p).sum(1, keepdim=True)
        scores = torch.cat([own, q @ F.normalize(negative, dim=1).T], 1)
        wanted = torch.zeros(len(q), dtype=torch.long, device=q.device)
    scores = scores / temperature
    if not decoupled:
        return F.cross_entropy(scores, wanted, reduction="none")
    right = torch.arange(scores.shape[1], device=q.device) == wanted.unsqueeze(1)
    if not scores.shape[1] > 1:
        return scores.sum(1) * 0
    others = scores.masked_fill(right, torch.finfo(scores.dtype).min / 2)
    return others.logsumexp(1) - scores.masked_fill(~right, 0.0).sum(1)


class InfoNCELoss(MapLoss):
    """:func:`info_nce_loss` of pixels of a class against all others; needs the input ``features``.

    Of each image and class, up to ``samples`` pixels, evenly spaced in reading order, are queries;
    the pixel half the list further on is a query's positive, and up to ``samples`` pixels outside
    the class are the negatives. Images without two pixels inside and one outside cost 0. The
    gradient goes to the features, none to the logits. Pixels that are ignored or have weight 0 are
    neither; weights of pixels other than 0 and 1 are refused.

    Args:
        temperature: T, divides the similarities.
        samples: Most queries, and most negatives, of an image and class.
        decoupled: Leave the positive out of the denominator.
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
    use_when = "features should separate classes; weight 0.04 (extra input: features)"
    tags = ("features",)
    needs = ("features",)
    of_structures = True
    reads_masks = True

    def __init__(
        self,
        temperature: float = 0.1,
        samples: int = 256,
        decoupled: bool = False,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", temperature=temperature)
        check_range("[2, inf)", whole=True, samples=samples)
        self.temperature = temperature
        self.samples = samples
        self.decoupled = decoupled

    def _read(self, batch: Aligned, chosen: list[int] | None) -> Tensor:
        # logits take part by their graph alone
        logits = batch.masked_logits()
        return logits if chosen is None else pick_channels(logits, chosen)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over queries."""
        owner = type(self).__name__
        features = extra_map("features", owner, len(prob), tuple(prob.shape[2:]))
        require_graph(features, "features", owner, prob)
        inside = (target if target.dtype == torch.bool else target > 0.5).flatten(2)
        both = torch.stack([inside, ~inside], 1)
        if mask is not None:
            both = both & (mask > 0).flatten(2).unsqueeze(1)
        loss = self._mean_of_queries(*self._sampled(features.flatten(2), both))
        return loss.view(prob.shape[:2]).to(prob.dtype) + prob.flatten(2)[:, :, :1].sum(2) * 0

    def _sampled(self, maps: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors (2, N K, S, D) at pixels of masks (N, 2, K, P), and how many are real."""
        images, sides, classes = masks.shape[:3]
        places, count = spread_places(masks.flatten(0, 2), self.samples)
        index = places.view(images, 1, sides * classes * places.shape[1]).expand(
            -1, maps.shape[1], -1
        )
        picked = maps.gather(2, index).view(*maps.shape[:2], sides, classes, places.shape[1])
        vectors = F.normalize(picked, dim=1).permute(2, 0, 3, 4, 1).flatten(1, 2)
        count = count.clamp(max=self.samples).view(images, sides, classes)
        return vectors, count.transpose(0, 1).reshape(sides, images * classes, 1)

    def _mean_of_queries(self, vectors: Tensor, counts: Tensor) -> Tensor:
        """:func:`info_nce_loss` of the real ones among vectors, (N K,)."""
        (own, others), (count, rest) = vectors, counts
        place = torch.arange(own.shape[1], device=own.device).expand(len(own), -1)
        partner = (place + count // 2) % count.clamp(min=1)
        positive = own.gather(1, partner.unsqueeze(2).expand_as(own))
        # not -inf, of which alone logsumexp has no gradient
        lowest = torch.finfo(own.dtype).min / 2
        beyond = place.new_zeros(place.shape, dtype=own.dtype).masked_fill(place >= rest, lowest)
        wrong = torch.baddbmm(
            beyond.unsqueeze(1), own, others.transpose(1, 2), alpha=1 / self.temperature
        )
        right = (own * positive).sum(2) / self.temperature
        counted = (place < count) & (count > 1) & (rest > 0)
        each = wrong.logsumexp(2) - right
        loss = torch.where(counted, each if self.decoupled else F.softplus(each), 0.0)
        mean: Tensor = loss.sum(1) / count.squeeze(1).clamp(min=1)
        return mean
