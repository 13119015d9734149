"""Contrast of pixels with running centres of the classes, within and across domains."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.extra_inputs import KNOWN, extra_input
from seglosses.losses.base import SegOptions
from seglosses.losses.guided.contrast_samples import ContrastLoss, mean_of_images
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import is_transformed
from seglosses.primitives.memory import ClassCentres

__all__ = [
    "CentreContrastLoss",
    "centre_contrast_loss",
]


def centre_contrast_loss(
    query: Tensor,
    target: Tensor,
    centres: Tensor,
    known: Tensor | None = None,
    *,
    temperature: float = 0.1,
) -> Tensor:
    r"""Each vector should be nearer to the centre of its class than to those of the others.

        loss_i = -log(exp(q_i c_y / T) / sum_k exp(q_i c_k / T))

    Vectors and centres are scaled to length one.

    Args:
        query: (n, D).
        target: Classes y, (n,); those below 0 are not there.
        centres: c, (K, D); constants of differentiation.
        known: Which classes have a centre, (K,) bool; all of them by default.
        temperature: T, divides the similarities.

    Returns:
        One loss per query, (n,), not negative; 0 where the query's class has no centre.

    References:
        Jiang et al., Prototypical contrast adaptation for domain adaptive semantic segmentation,
        ECCV 2022, arXiv:2207.06654; contrast across domains likewise in Zhang et al., Unsupervised
        contrastive domain adaptation for semantic segmentation, arXiv:2204.08399.

    Example:
        >>> centres = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
        >>> q, y = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
        >>> centre_contrast_loss(q, y, centres, temperature=1.0)  # log(1 + 1 / e)
        tensor([0.3133])
    """
    scores = F.normalize(query, dim=1) @ F.normalize(centres.detach(), dim=1).T / temperature
    own = target.clamp(min=0)
    counted = target >= 0
    if known is not None:
        scores = scores.masked_fill(~known, torch.finfo(scores.dtype).min / 2)
        counted = counted & known[own]
    loss = F.cross_entropy(scores.masked_fill(~counted.unsqueeze(1), 0.0), own, reduction="none")
    return torch.where(counted, loss, 0.0)


class CentredLoss(ContrastLoss):
    """Compares pixels with running centres of their classes."""

    def __init__(self, momentum: float, samples: int, **options: Unpack[SegOptions]) -> None:
        super().__init__(samples, **options)
        check_range("[0, 1)", momentum=momentum)
        self.momentum = momentum
        self.centres = ClassCentres(momentum)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"

    def centres_of(
        self, problems: Sequence[tuple[Tensor, Tensor]], classes: int
    ) -> tuple[Tensor, Tensor]:
        """Centres (G, K, D) and which are known (G, K), which a training moves first.

        Args:
            problems: Vectors (n, D) and classes (n,) of each problem; -1 moves none.
            classes: K.
        """
        sums = [self.centres.sums(vectors, kind, classes) for vectors, kind in problems]
        total, number = (torch.cat([pair[k] for pair in sums]) for k in range(2))
        if self.training and not is_transformed():
            self.centres.move(total, number)
        means, known = self.centres.filled(total, number)
        return means.view(len(problems), classes, -1), known.view(-1, classes) > 0


class CentreContrastLoss(CentredLoss):
    """:func:`centre_contrast_loss` of pixels to running class centres; needs ``features``.

    For domain adaptation: the extra input ``source``, (N,), says which images of the batch move
    the centres; the others (target domain, with pseudo-labels as labels) are only drawn to them.
    Without it all images do both. In training a batch moves the centres first, and then is compared
    with them; they are those of all ranks, and in the checkpoint. Outside of training they stay,
    and a class that has none takes its mean in the batch.

    Pixels are sampled and refused as by :class:`PixelContrastLoss`; the mean over an image's
    samples, and an image without one costs 0.

    Args:
        temperature: T, divides the similarities.
        momentum: Share of a centre that a batch leaves.
        samples: Most pixels of a batch.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: for under 2 samples, a ``temperature`` up to 0, a ``momentum`` outside [0, 1),
            missing ``features``, or such without a graph under logits that have one.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> features = torch.tensor([[[[1.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]]])
        >>> with extra_inputs(features=features):  # three pixels on their centres: log(1 + 1 / e)
        ...     loss = CentreContrastLoss(temperature=1.0)
        ...     loss(torch.zeros(1, 2, 1, 3), torch.tensor([[[1, 1, 0]]]))
        tensor(0.3133)
    """

    formula = "-log(exp(q c_y / T) / sum_k exp(q c_k / T)), c running centres of the classes"
    paper = "Jiang et al. 2022, arXiv:2207.06654"
    use_when = "domain adaptation with pseudo-labels (extra input: features; optional: source)"
    tags = ("features", "unlabelled")

    def __init__(
        self,
        temperature: float = 0.1,
        momentum: float = 0.99,
        samples: int = 1024,
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(momentum, samples, **options)
        check_range("(0, inf)", temperature=temperature)
        self.temperature = temperature

    def contrast(self, vectors: Tensor, real: Tensor) -> Tensor:
        """Mean over problems of the mean over an image's samples."""
        images, problems, classes = vectors.shape[:3]
        source = _source(images, real.device)
        chosen = [self._chosen(vectors[:, k], real[:, k]) for k in range(problems)]
        moving = [
            (query, kind if source is None else torch.where(source[image], kind, -1))
            for query, kind, image in chosen
        ]
        centres, known = self.centres_of(moving, classes)
        loss = vectors.new_zeros(images)
        for k, (query, kind, image) in enumerate(chosen):
            each = centre_contrast_loss(
                query, kind, centres[k], known[k], temperature=self.temperature
            )
            loss = loss + mean_of_images(each, kind >= 0, image, images)
        return loss / max(problems, 1)


def _source(images: int, device: torch.device) -> Tensor | None:
    """Which images move the centres, (N,) bool."""
    source = extra_input("source")
    if source is None:
        return None
    if source.numel() != images:
        raise ValueError(
            f"CentreContrastLoss got {tuple(source.shape)} for {KNOWN['source'].what}, expected"
            f" ({images},)"
        )
    return source.flatten().to(device) > 0
