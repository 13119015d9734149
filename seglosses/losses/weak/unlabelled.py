"""Losses for few or weak labels: entropy and class ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, SegOptions
from seglosses.losses.classwise import MapLoss
from seglosses.primitives.checks import class_factors
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.layout import flat_maps
from seglosses.primitives.reduction import Asked

__all__ = [
    "ClassRatioKLLoss",
    "EntropyLoss",
    "class_ratio_kl_loss",
    "entropy_loss",
    "soft_class_ratios",
]

_EPSILON = 1e-10


def entropy_loss(logits: Tensor, *, class_weight: Tensor | None = None) -> Tensor:
    r"""Entropy of each pixel's distribution.

        loss = - sum_c w_c p_c log p_c

    Args:
        logits: (N, C, *S).
        class_weight: w, (C,); 1 by default.

    Returns:
        One loss per pixel, (N, *S), in [0, log C] without weights.

    References:
        Grandvalet and Bengio, NIPS 2004; weighted as in Bateson et al., Source-free domain
        adaptation for image segmentation, Medical Image Analysis 2022, arXiv:2108.03152. The loss
        of Tent (Wang et al., ICLR 2021, arXiv:2006.10726), which moves norm layers alone, and of
        EATA (Niu et al., ICML 2022, arXiv:2204.02610), which weighs images.

    Example:
        >>> entropy_loss(torch.zeros(1, 2, 1))  # log 2
        tensor([[0.6931]])
    """
    log_p = logits.log_softmax(1)
    terms = -log_p.exp() * log_p
    if class_weight is not None:
        terms = terms * class_weight.view(1, -1, *(1,) * (logits.dim() - 2))
    return terms.sum(1)


def soft_class_ratios(logits: Tensor, weight: Tensor | None = None) -> Tensor:
    r"""Share of the image that each class takes, softly counted.

        r_c = sum over kept pixels of p_c / max_k p_k, normalised over classes

    Dividing by the largest probability makes uncertain pixels count nearly in full, so that the
    ratio is close to that of the predicted label map.

    Args:
        logits: (N, C, *S).
        weight: Weights of pixels, (N, 1, *S).

    Returns:
        (N, C), rows sum to 1, or to 0 where every pixel is left out.

    References:
        Bateson et al., arXiv:2108.03152 (the size estimate of its code, with power 1).

    Example:
        >>> soft_class_ratios(torch.tensor([[[2.0, 1.0], [1.0, 2.0]]]).log())  # 1, 1/2; 1/2, 1
        tensor([[0.5000, 0.5000]])
    """
    soft = (logits - logits.amax(1, keepdim=True)).exp()
    sizes = flat_maps(soft if weight is None else soft * weight).sum(2)
    total = sizes.sum(1, keepdim=True)
    return sizes / torch.where(total > 0, total, 1.0)


def class_ratio_kl_loss(ratios: Tensor, prior: Tensor) -> Tensor:
    r"""Divergence of predicted class ratios from known or assumed ones.

        loss = sum_c r_c (log(r_c + eps) - log(prior_c + eps)),  eps = 1e-10

    Args:
        ratios: Predicted, (N, C).
        prior: Wanted, (N, C) or (C,).

    Returns:
        One loss per image and class, (N, C), whose sum over classes is the divergence.

    References:
        Bateson et al., arXiv:2108.03152. With a uniform prior the negative marginal entropy, up to
        a constant, of Long et al., Training-Free Unsupervised Prompt for Vision-Language Models,
        arXiv:2404.16339, and the balance of clusters of Dizaji et al., Deep Clustering via Joint
        Convolutional Autoencoder Embedding and Relative Entropy Minimization, ICCV 2017,
        arXiv:1704.06327; with known ratios the loss of bags of Javanmard et al., Learning from
        Aggregate Responses, ICLR 2024.

    Example:
        >>> r = torch.tensor([[0.5, 0.5]])
        >>> class_ratio_kl_loss(r, torch.tensor([0.25, 0.75])).sum(1)  # (log 2 + log 2/3) / 2
        tensor([0.1438])
    """
    return ratios * ((ratios + _EPSILON).log() - (prior + _EPSILON).log())


class EntropyLoss(PixelLoss):
    """Registered form of :func:`entropy_loss`; the label only says which pixels are ignored.

    Args:
        options: See :class:`~seglosses.losses.base.PixelLoss`; ``class_weight`` scales the terms
            of the sum, and ``renormalize`` divides by its mean, for every pixel has all terms.

    Example:
        >>> import torch
        >>> EntropyLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2
        tensor(0.6931)
    """

    formula = "- sum_c w_c p_c log p_c per pixel"
    paper = "Grandvalet and Bengio 2004; Bateson et al. 2022, arXiv:2108.03152"
    use_when = "unlabelled images, beside a term against the trivial solution (ClassRatioKLLoss)"
    tags = ("unlabelled",)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Entropy."""
        return entropy_loss(logits, class_weight=self.class_weight)

    def _class_factor(self, target: Tensor) -> Tensor | float:
        return 1.0

    def _label_weights(self, batch: Aligned) -> Tensor:
        # of all classes, whatever the label
        assert self.class_weight is not None
        seen = batch.logits.numel() / batch.channels if batch.valid is None else batch.valid.sum()
        problems = batch.channels if batch.sigmoid else 1
        return self.class_weight.mean() * seen * problems

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        if batch.channels == 1:
            return super()._by_channel(logits, batch)
        pair = torch.stack([-logits / 2, logits / 2], 1)
        return self._weighed(entropy_loss(pair))


def _is_distribution(prior: Iterable[float] | float) -> bool:
    numbers = [float(share) for share in prior] if isinstance(prior, Iterable) else []
    # false of NaN, and of no numbers at all
    return all(share >= 0 for share in numbers) and abs(sum(numbers) - 1) <= 1e-3


class ClassRatioKLLoss(MapLoss):
    """Registered form of :func:`class_ratio_kl_loss` with :func:`soft_class_ratios`.

    Args:
        prior: Wanted ratios, one per class (for a one-channel head: background, foreground); by
            default those of the image's own label, of which nothing else is used.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`; ``class_weight`` scales the
            terms of the sum. With ``use_sigmoid`` every channel is a binary problem, and an
            image's loss is their mean.

    Raises:
        ValueError: for a prior that is not a distribution or has another number of classes, and for
            ``classes``.

    Example:
        >>> import torch
        >>> loss = ClassRatioKLLoss(prior=[0.25, 0.75])
        >>> loss(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # (log 2 + log 2/3) / 2
        tensor(0.1438)
    """

    formula = "sum_c r_c log(r_c / prior_c), r the predicted class ratios of an image"
    paper = "Bateson et al. 2022, arXiv:2108.03152"
    use_when = "weak labels, or unsupervised adaptation, where class sizes are known"
    tags = ("unlabelled", "weak")
    default_classes = None
    no_classes = "compares the ratios of all classes with each other"
    prior: Tensor | None

    def __init__(self, prior: Sequence[float] | None = None, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        if prior is not None and not _is_distribution(prior):
            raise ValueError(f"prior must be ratios that sum to 1, one per class, got {prior!r}")
        self.register_buffer("prior", class_factors(prior, "prior"), persistent=False)

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Divergence of an image's class ratios, or the mean over channels."""
        self._refuse_per_pixel(asked, batch)
        logits, target, mask = batch.masked_logits(), batch.target(), batch.mask()
        problems, weight = (batch.channels if batch.sigmoid else 1), mask
        if batch.sigmoid:
            z = logits.reshape(-1, 1, *logits.shape[2:])
            y = target.reshape(-1, 1, *logits.shape[2:])
            logits, target = torch.cat([-z / 2, z / 2], 1), torch.cat([1 - y, y], 1)
            weight = None if mask is None else mask.repeat_interleave(problems, 0)
        wanted = self._wanted(target, weight)
        terms = class_ratio_kl_loss(soft_class_ratios(logits, weight), wanted)
        terms = terms.reshape(batch.logits.shape[0], problems, terms.shape[1])
        if self.class_weight is not None:
            # (1, 1, C) for distributions over classes, (1, C, 1) for independent channels
            terms = terms * self.class_weight.view(1, problems, -1)
        loss = terms.sum((1, 2)) / problems
        kept = torch.ones_like(loss, dtype=torch.bool)
        if mask is not None:
            kept = (mask > 0).flatten(1).any(1)
        loss = torch.where(kept, loss, loss * 0)
        return asked.of(loss, batch.row_weight, count=kept.sum())

    def _wanted(self, target: Tensor, weight: Tensor | None) -> Tensor:
        if self.prior is None:
            sizes = flat_maps(target if weight is None else target * weight).sum(2)
            total = sizes.sum(1, keepdim=True)
            return sizes / torch.where(total > 0, total, 1.0)
        if len(self.prior) != target.shape[1]:
            raise ValueError(
                f"prior must have one ratio per class: {target.shape[1]}, got {len(self.prior)}"
            )
        return torch.as_tensor(self.prior, dtype=target.dtype, device=target.device)
