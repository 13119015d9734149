"""Contrast of pixels with classes as mixtures of their vectors, for classes of any frequency."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import SegOptions
from seglosses.losses.guided.contrast_batch import RememberingLoss
from seglosses.primitives.checks import check_range, class_factors

__all__ = [
    "MixtureContrastLoss",
    "mixture_contrast_loss",
]


def mixture_contrast_loss(
    query: Tensor,
    target: Tensor,
    bank: Tensor | None = None,
    bank_target: Tensor | None = None,
    *,
    temperature: float = 0.1,
    prior: Sequence[float] | Tensor | None = None,
    classes: int | None = None,
) -> Tensor:
    r"""Classes are mixtures of their vectors, and their logits are raised by their frequency.

        loss_i = -log(prior_y S_iy / sum_c prior_c S_ic),  S_ic = mean over k of class c of e_ik

    e_ik = exp(q_i k / T); k are all other vectors, queries and bank. A class counts by its prior,
    however many of its vectors are there. Vectors are scaled to length one.

    Args:
        query: (n, D).
        target: Classes y, (n,); those below 0 are not there.
        bank: Further vectors to compare with, constants of differentiation, (m, D).
        bank_target: Their classes (m,), as in ``target``.
        temperature: T, divides the similarities.
        prior: Frequency of each class in training, above 0; need not sum to 1; a tensor on the
            device of the vectors spares a copy, for which the host waits. Without it classes count
            alike.
        classes: Their number, where no ``prior`` says it; by default one more than the largest.

    Returns:
        One loss per query, (n,), not negative; 0 for queries without a positive.

    Raises:
        ValueError: for a class without a frequency.

    References:
        Suh and Seo, Long-tailed recognition by mutual information maximization between latent
        features and ground-truth labels, ICML 2023 (the contrast of bluecdm/Long-tailed-recognition
        at 1ff816c).

    Example:
        >>> query = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> target = torch.tensor([0, 0, 1])
        >>> mixture_contrast_loss(query, target, temperature=1.0)  # log(1 + 1 / e); no positive: 0
        tensor([0.3133, 0.3133, 0.0000])
        >>> mixture_contrast_loss(query, target, temperature=1.0, prior=[0.25, 0.75])  # 1 + 3 / e
        tensor([0.7437, 0.7437, 0.0000])
    """
    keys = unit = F.normalize(query, dim=1)
    kinds = target
    if bank is not None and bank_target is not None:
        keys = torch.cat([keys, F.normalize(bank.detach(), dim=1).to(keys.dtype)])
        kinds = torch.cat([kinds, bank_target])
    if classes is None:
        classes = len(prior) if prior is not None else 1 + int(kinds.max()) if len(kinds) else 1
    if prior is not None and len(prior) != classes:
        raise ValueError(
            f"prior must have a frequency for each of {classes} classes (two for one channel, and"
            f" under use_sigmoid: outside, inside), got {len(prior)}"
        )
    number = torch.arange(classes, device=unit.device)
    hot = (kinds.unsqueeze(1) == number).to(unit.dtype)
    own = hot[: len(query)]
    scores = unit @ keys.T / temperature
    # a vector is not compared with itself, and only with what is there
    itself = torch.arange(len(keys), device=unit.device)
    gone = itself[: len(query)].unsqueeze(1) == itself
    lowest = torch.finfo(scores.dtype).min / 2
    scores = scores.masked_fill(gone | (kinds < 0), lowest)
    peak = scores.detach().amax(1, keepdim=True) if len(keys) else scores.new_zeros(0, 1)
    # where there is no other vector, none is the largest
    rise = (scores - peak.masked_fill(peak == lowest, 0.0)).exp()
    count = hot.sum(0) - own
    # what vanishes beside the largest has no slope either
    mass = (rise @ hot / count.clamp(min=1)).clamp(min=torch.finfo(scores.dtype).tiny).log()
    if prior is not None:
        mass = mass + torch.as_tensor(prior, dtype=mass.dtype, device=mass.device).log()
    logits = mass.masked_fill(count == 0, lowest)
    place = target.clamp(min=0, max=classes - 1)
    counted = (target >= 0) & (count.gather(1, place.unsqueeze(1)).squeeze(1) > 0)
    loss = F.cross_entropy(logits.masked_fill(~counted.unsqueeze(1), 0.0), place, reduction="none")
    return torch.where(counted, loss, 0.0)


class MixtureContrastLoss(RememberingLoss):
    """:func:`mixture_contrast_loss` of pixels of all images of a batch; needs ``features``.

    Stands beside :class:`LogitAdjustmentLoss`, with the same ``prior``. Pixels are sampled,
    remembered and refused as by :class:`PixelContrastLoss`; the mean over an image's queries that
    have a positive and a negative, and an image without one costs 0.

    Args:
        temperature: T, divides the similarities.
        samples: Most queries of a batch.
        memory: Most vectors of a class that are kept of earlier batches; 0 keeps none.
        update: Most vectors of a class that a batch puts in, on each rank.
        prior: Frequency of each class in training; for one channel, and under ``use_sigmoid``,
            background and foreground.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: for under 2 samples, a ``temperature`` up to 0, frequencies that are not
            positive, or not one per class, missing ``features``, or such without a graph under
            logits that have one.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> features = torch.tensor([[[[1.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]]])
        >>> with extra_inputs(features=features):  # two queries at log(1 + 3 / e)
        ...     loss = MixtureContrastLoss(temperature=1.0, prior=[0.75, 0.25])
        ...     loss(torch.zeros(1, 2, 1, 3), torch.tensor([[[1, 1, 0]]]))
        tensor(0.7437)
    """

    formula = "-log(prior_y S_y / sum_c prior_c S_c), S_c = mean of exp(q k / T) over k of class c"
    paper = "Suh and Seo 2023, ICML (PMLR 202)"
    use_when = "rare classes should have clusters too; weight 0.1 (extra input: features)"
    tags = ("features", "imbalance")
    prior: Tensor | None

    def __init__(
        self,
        temperature: float = 0.1,
        samples: int = 1024,
        memory: int = 256,
        update: int = 16,
        prior: Sequence[float] | None = None,
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(temperature, samples, memory, update, **options)
        for share in prior or ():
            check_range("(0, inf)", prior=share)
        self.register_buffer("prior", class_factors(prior, "prior"), persistent=False)

    def compare(
        self, query: Tensor, target: Tensor, bank: Tensor, bank_target: Tensor, classes: int
    ) -> Tensor:
        """See :func:`mixture_contrast_loss`."""
        return mixture_contrast_loss(
            query,
            target,
            bank,
            bank_target,
            temperature=self.temperature,
            prior=self.prior,
            classes=classes,
        )
