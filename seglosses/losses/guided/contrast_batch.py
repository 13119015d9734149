"""Contrast of pixels with those of all images of a batch, and of earlier ones."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import SegOptions
from seglosses.losses.guided.contrast_samples import ContrastLoss, mean_of_images
from seglosses.primitives.checks import check_range
from seglosses.primitives.class_pairs import Denominator, contrasted
from seglosses.primitives.device import is_transformed
from seglosses.primitives.memory import ClassMemory
from seglosses.primitives.sampling import spread_places

__all__ = [
    "PixelContrastLoss",
    "pixel_contrast_loss",
]


def pixel_contrast_loss(
    query: Tensor,
    target: Tensor,
    bank: Tensor | None = None,
    bank_target: Tensor | None = None,
    *,
    temperature: float = 0.1,
    denominator: Denominator = "pair",
) -> Tensor:
    r"""Vectors of a class should be nearer to each other than to those of other classes.

        loss_i = -mean over p in P_i of log(e_ip / (D_ip + sum over n in N_i of e_in))

    e_ij = exp(q_i k_j / T); k are all other vectors, queries and bank; P_i are those of i's class,
    N_i the rest. D_ip is the pair's own e_ip ('pair'), the sum of e over P_i ('all', supervised
    contrast), or 0 ('negatives', the decoupled form). Vectors are scaled to length one.

    Args:
        query: (n, D).
        target: Classes (n,); those below 0 are not there.
        bank: Further vectors to compare with, constants of differentiation, (m, D).
        bank_target: Their classes (m,), as in ``target``.
        temperature: T, divides the similarities.
        denominator: What of the positives stands below.

    Returns:
        One loss per query, (n,); 0 for queries without a positive or without a negative. At least
        0, but for 'negatives', which falls below it where classes are far apart.

    Raises:
        ValueError: for another ``denominator``.

    References:
        Wang et al., Exploring cross-image pixel contrast for semantic segmentation, ICCV 2021,
        arXiv:2101.11939 ('pair'); Khosla et al., Supervised contrastive learning, NeurIPS 2020,
        arXiv:2004.11362 ('all'); Yeh et al., Decoupled contrastive learning, ECCV 2022,
        arXiv:2110.06848 ('negatives').

    Example:
        >>> query = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> target = torch.tensor([0, 0, 1])
        >>> pixel_contrast_loss(query, target, temperature=1.0)  # log(1 + 1 / e); no positive: 0
        tensor([0.3133, 0.3133, 0.0000])
        >>> pixel_contrast_loss(query, target, temperature=1.0, denominator="negatives")
        tensor([-1., -1.,  0.])
    """
    _check_denominator(denominator)
    unit = F.normalize(query, dim=1)
    if bank is None or bank_target is None:
        bank, bank_target = unit[:0].detach(), target[:0]
    return contrasted(
        unit,
        target,
        F.normalize(bank.detach(), dim=1),
        bank_target,
        temperature=temperature,
        denominator=denominator,
    )


def _check_denominator(denominator: str) -> None:
    if denominator not in get_args(Denominator):
        raise ValueError(f"denominator must be 'pair', 'all' or 'negatives', got {denominator!r}")


class RememberingLoss(ContrastLoss):
    """Compares pixels with all sampled ones of a batch, and with a memory of earlier batches.

    Args:
        temperature: T, divides the similarities.
        samples: Most queries of a batch.
        memory: Most vectors of a class that are kept of earlier batches; 0 keeps none.
        update: Most vectors of a class that a batch puts in, on each rank.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.
    """

    def __init__(
        self,
        temperature: float,
        samples: int,
        memory: int,
        update: int,
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(samples, **options)
        check_range("(0, inf)", temperature=temperature)
        check_range("[0, inf)", whole=True, memory=memory)
        check_range("[1, inf)", whole=True, update=update)
        self.temperature, self.memory, self.update = temperature, memory, update
        self.bank = ClassMemory(memory)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"

    def compare(
        self, query: Tensor, target: Tensor, bank: Tensor, bank_target: Tensor, classes: int
    ) -> Tensor:
        """Loss per query (n,), see :func:`pixel_contrast_loss`."""
        raise NotImplementedError

    def contrast(self, vectors: Tensor, real: Tensor) -> Tensor:
        """Mean over problems of the mean over an image's queries."""
        images, problems, classes = vectors.shape[:3]
        new, fresh = self._of_classes(vectors, real)
        kept, there = self.bank.read(new)
        total = vectors.new_zeros(images)
        kinds = torch.arange(classes, device=vectors.device).unsqueeze(1)
        for number in range(problems):
            query, kind, image = self._chosen(vectors[:, number], real[:, number])
            own = slice(number * classes, (number + 1) * classes)
            kinds_kept = torch.where(there[own], kinds, -1).flatten()
            loss = self.compare(query, kind, kept[own].flatten(0, 1), kinds_kept, classes)
            every = torch.cat([kind, kinds_kept])
            alike = (kind.unsqueeze(1) == every).sum(1)
            counted = (kind >= 0) & (alike > 1) & (alike < (every >= 0).sum())
            total = total + mean_of_images(loss, counted, image, images)
        if self.training and self.memory and not is_transformed():
            self.bank.add(new, fresh)
        return total / max(problems, 1)

    def _of_classes(self, vectors: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Up to ``update`` vectors (G K, E, D) of each class, and which are real."""
        size = vectors.shape[4]
        rows = vectors.detach().movedim(0, 2).flatten(0, 1).flatten(1, 2)
        places, count = spread_places(real.movedim(0, 2).flatten(0, 1).flatten(1, 2), self.update)
        picked = rows.gather(1, places.unsqueeze(2).expand(-1, -1, size))
        there = torch.arange(places.shape[1], device=places.device) < count
        # of one shape on all ranks
        short = self.update - places.shape[1]
        return F.pad(F.normalize(picked, dim=2), (0, 0, 0, short)), F.pad(there, (0, short))


class PixelContrastLoss(RememberingLoss):
    """:func:`pixel_contrast_loss` of pixels of all images of a batch; needs the input ``features``.

    Of each image and class up to 100 pixels, evenly spaced in reading order, and of these up to
    ``samples`` of the batch are queries, compared with each other and with a memory: in training
    ``update`` vectors of each class go into its queue, those of all ranks, and checkpoints hold
    it. Outside of training the memory stays.

    The mean over an image's queries that have a positive and a negative; an image without one costs
    0. Under ``use_sigmoid`` each channel is a problem of inside and outside, and the mean is taken.
    The gradient goes to the features, none to the logits. Pixels that are ignored or have weight 0
    are not there; weights of pixels other than 0 and 1 are refused, as is ``class_weight``.

    Args:
        temperature: T, divides the similarities.
        samples: Most queries of a batch.
        memory: Most vectors of a class that are kept of earlier batches; 0 keeps none.
        update: Most vectors of a class that a batch puts in, on each rank.
        denominator: 'pair', 'all' (supervised contrast) or 'negatives' (decoupled).
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: for under 2 samples, a ``temperature`` up to 0, missing ``features``, or such
            without a graph under logits that have one.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> features = torch.tensor([[[[1.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]]])
        >>> with extra_inputs(features=features):  # two queries at log(1 + 1 / e)
        ...     loss = PixelContrastLoss(temperature=1.0)
        ...     loss(torch.zeros(1, 2, 1, 3), torch.tensor([[[1, 1, 0]]]))
        tensor(0.3133)
    """

    formula = "-mean_p log(exp(q p / T) / (exp(q p / T) + sum exp(q n / T))), p of the same class"
    paper = "Wang et al. 2021, arXiv:2101.11939; Khosla et al. 2020, arXiv:2004.11362"
    use_when = "classes should cluster across images; weight 0.1 (extra input: features)"
    tags = ("features",)

    def __init__(
        self,
        temperature: float = 0.1,
        samples: int = 1024,
        memory: int = 256,
        update: int = 16,
        denominator: Denominator = "pair",
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(temperature, samples, memory, update, **options)
        _check_denominator(denominator)
        self.denominator = denominator

    def compare(
        self, query: Tensor, target: Tensor, bank: Tensor, bank_target: Tensor, classes: int
    ) -> Tensor:
        """See :func:`pixel_contrast_loss`."""
        return pixel_contrast_loss(
            query,
            target,
            bank,
            bank_target,
            temperature=self.temperature,
            denominator=self.denominator,
        )
