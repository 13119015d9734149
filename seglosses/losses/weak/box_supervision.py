"""Losses that ask pixels of similar colour inside boxes for the same label; they need the image."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_map
from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.neighbours import shifted
from seglosses.primitives.reduction import average_pixels

__all__ = [
    "LevelSetLoss",
    "LocalPairwiseLoss",
    "PairwiseAffinityLoss",
    "level_set_loss",
    "local_pairwise_loss",
    "pairwise_affinity_loss",
]


def pairwise_affinity_loss(
    logits: Tensor,
    image: Tensor,
    inside: Tensor,
    *,
    valid: Tensor | None = None,
    threshold: float = 0.1,
    dilation: int = 2,
) -> Tensor:
    r"""Pixels of like colour should have the same label (BoxInst).

        loss = mean over pairs of -log(p_i p_j + (1 - p_i) (1 - p_j))

    A pair is a pixel inside and one of its neighbours at ``dilation`` (8 in images, 26 in volumes)
    whose similarity exp(-|I_i - I_j| / 2) reaches ``threshold``.

    Args:
        logits: Foreground logits, (N, C, *S).
        image: (N, K, *S), in the units that the similarity is meant for: BoxInst takes CIE Lab,
            BoxSnake what the network sees.
        inside: The boxes, boolean (N, C, *S).
        valid: Pixels that count, boolean (N, 1, *S).
        threshold: Least similarity.
        dilation: Distance of neighbours, pixels.

    Returns:
        One loss per image and class, (N, C), not negative; 0 without pairs.

    References:
        Tian et al., BoxInst, CVPR 2021, arXiv:2012.02310; without centre and inside boxes as in
        BoxSnake, arXiv:2303.11630.

    Example:
        >>> logits = torch.zeros(1, 1, 1, 2)  # p = 1/2: the pair agrees with probability 1/2
        >>> grey = torch.zeros(1, 3, 1, 2)
        >>> pairwise_affinity_loss(logits, grey, torch.ones(1, 1, 1, 2) > 0, dilation=1)
        tensor([[0.6931]])
    """
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    total = count = logits.flatten(2)[..., :0].sum(2)  # a graph also where there are no pairs
    for here, there in _pairs(logits.shape[2:], dilation):
        like = (_similarity(image, here, there) >= threshold) & inside[here]
        if valid is not None:
            like = like & valid[here] & valid[there]
        agree = torch.logaddexp(yes[here] + yes[there], no[here] + no[there])
        total = total - torch.where(like, agree, 0.0).flatten(2).sum(2)
        count = count + like.flatten(2).sum(2)
    return total / count.clamp(min=1)


def local_pairwise_loss(
    prob: Tensor,
    image: Tensor,
    inside: Tensor,
    *,
    valid: Tensor | None = None,
    dilation: int = 2,
) -> Tensor:
    r"""Differences of neighbours, dear where colours are alike (BoxSnake).

        loss = sum s_ij |p_i - p_j| / max(sum s_ij, 1),  s_ij = exp(-|I_i - I_j| / 2)

    Args:
        prob: Foreground probabilities, (N, C, *S).
        image: (N, K, *S).
        inside: The boxes, boolean (N, C, *S); i lies in its box.
        valid: Pixels that count, boolean (N, 1, *S).
        dilation: Distance of neighbours, pixels.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 without pairs.

    References:
        Yang et al., BoxSnake, ICCV 2023, arXiv:2303.11630.

    Example:
        >>> prob = torch.tensor([[[[1.0, 0.0]]]])
        >>> grey = torch.zeros(1, 3, 1, 2)
        >>> local_pairwise_loss(prob, grey, torch.ones(1, 1, 1, 2) > 0, dilation=1)
        tensor([[1.]])
    """
    total = count = prob.flatten(2)[..., :0].sum(2)  # a graph also where there are no pairs
    for here, there in _pairs(prob.shape[2:], dilation):
        share = _similarity(image, here, there) * inside[here]
        if valid is not None:
            share = torch.where(valid[here] & valid[there], share, 0.0)
        total = total + ((prob[here] - prob[there]).abs() * share).flatten(2).sum(2)
        count = count + share.flatten(2).sum(2)
    return total / count.clamp(min=1)


def level_set_loss(prob: Tensor, image: Tensor, *, weight: Tensor | None = None) -> Tensor:
    r"""Chan-Vese energy: inside and outside should each have one colour.

        loss = mean over pixels and colour channels of p (I - c_1)^2 + (1 - p) (I - c_0)^2

    c_1 and c_0 are the mean colours weighed by p and 1 - p.

    Args:
        prob: Foreground probabilities, (N, C, *S).
        image: (N, K, *S); anything where the weight is 0.
        weight: Weights of pixels, (N, 1, *S).

    Returns:
        One loss per image and class, (N, C), not negative.

    References:
        Chan and Vese, 2001; for boxes: BoxSnake, arXiv:2303.11630.

    Example:
        >>> image = torch.tensor([[[[0.0, 2.0]]]])
        >>> level_set_loss(torch.tensor([[[[0.5, 0.5]]]]), image)  # both means are 1
        tensor([[1.]])
        >>> level_set_loss(torch.tensor([[[[0.0, 1.0]]]]), image)
        tensor([[0.]])
    """
    # where: a product with the weight alone would keep NaN
    counted = image if weight is None else torch.where(weight > 0, image, 0.0)
    colours = counted.flatten(2).unsqueeze(1)
    energy = torch.zeros_like(prob)
    for region in (prob, 1 - prob):
        share = (region if weight is None else region * weight).flatten(2).unsqueeze(2)
        mass = share.sum(3, keepdim=True)
        mean = (colours * share).sum(3, keepdim=True) / mass.clamp(min=1e-5)
        spread = (colours - mean).square().mean(2)
        energy = energy + region * spread.view_as(prob)
    return average_pixels(energy, weight)


def _pairs(size: torch.Size, dilation: int) -> Iterator[tuple[tuple[slice, ...], ...]]:
    """Index pairs (N, C, *S) of every pixel and each of its neighbours inside the image."""
    for step in product((-dilation, 0, dilation), repeat=len(size)):
        if any(step) and all(abs(d) < length for d, length in zip(step, size, strict=True)):
            yield shifted(size, step)


def _similarity(image: Tensor, here: tuple[slice, ...], there: tuple[slice, ...]) -> Tensor:
    distance: Tensor = torch.linalg.vector_norm(image[here] - image[there], dim=1, keepdim=True)
    return (-0.5 * distance).exp()


def _image(prob: Tensor, owner: str) -> Tensor:
    image = extra_map("image", owner, len(prob), tuple(prob.shape[2:]))
    return image.detach().to(prob.dtype)


class PairwiseAffinityLoss(MapLoss):
    """Registered form of :func:`pairwise_affinity_loss`; needs the extra input ``image``.

    The label holds filled boxes (or masks): pairs are looked for inside, without pixels that are
    ignored or have weight 0. Weights of pixels other than 0 and 1 are refused.

    Args:
        threshold: Least similarity of a pair.
        dilation: Distance of neighbours, pixels.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: without the extra input ``image``, or where it does not fit the logits.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> with extra_inputs(image=torch.zeros(1, 3, 1, 2)):  # they agree with probability 1/2
        ...     loss = PairwiseAffinityLoss(dilation=1)
        ...     loss(torch.zeros(1, 1, 1, 2), torch.tensor([[[1, 1]]]))  # log 2
        tensor(0.6931)
    """

    formula = "mean over like-coloured pairs in a box of -log(p_i p_j + (1 - p_i)(1 - p_j))"
    paper = "Tian et al. 2021 (BoxInst), arXiv:2012.02310"
    use_when = "labels are bounding boxes; beside BoxProjectionLoss (extra input: image)"
    tags = ("weak",)
    needs = ("image",)
    of_structures = True
    reads_margins = True

    def __init__(
        self, threshold: float = 0.1, dilation: int = 2, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, 1]", threshold=threshold)
        check_range("[1, inf)", whole=True, dilation=dilation)
        self.threshold = threshold
        self.dilation = dilation

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Disagreement of pairs; ``prob`` are logits of one class against the rest."""
        return pairwise_affinity_loss(
            prob,
            _image(prob, type(self).__name__),
            target > 0.5,
            valid=None if mask is None else mask > 0,
            threshold=self.threshold,
            dilation=self.dilation,
        )


class LocalPairwiseLoss(MapLoss):
    """Registered form of :func:`local_pairwise_loss`; needs the extra input ``image``.

    Pairs are without pixels that are ignored or have weight 0. Weights of pixels other than 0 and 1
    are refused.

    Args:
        dilation: Distance of neighbours, pixels.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: without the extra input ``image``, or where it does not fit the logits.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> with extra_inputs(image=torch.zeros(1, 3, 1, 2)):  # a pair of one colour
        ...     loss = LocalPairwiseLoss(dilation=1)
        ...     loss(torch.tensor([[[[99.0, 0.0]]]]), torch.tensor([[[1, 1]]]))  # 1 - 1/2
        tensor(0.5000)
    """

    formula = "sum s_ij |p_i - p_j| / sum s_ij over neighbours in a box, s the likeness of colours"
    paper = "Yang et al. 2023 (BoxSnake), arXiv:2303.11630"
    use_when = "as PairwiseAffinityLoss, with weights instead of a threshold (extra input: image)"
    tags = ("weak",)
    needs = ("image",)
    of_structures = True

    def __init__(self, dilation: int = 2, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        check_range("[1, inf)", whole=True, dilation=dilation)
        self.dilation = dilation

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Weighed differences of neighbours."""
        return local_pairwise_loss(
            prob,
            _image(prob, type(self).__name__),
            target > 0.5,
            valid=None if mask is None else mask > 0,
            dilation=self.dilation,
        )


class LevelSetLoss(MapLoss):
    """Registered form of :func:`level_set_loss`; needs the extra input ``image``.

    The label only says which pixels are ignored.

    Args:
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: without the extra input ``image``, or where it does not fit the logits.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> with extra_inputs(image=torch.tensor([[[[0.0, 2.0]]]])):  # both means are 1
        ...     LevelSetLoss()(torch.zeros(1, 1, 1, 2), torch.tensor([[[1, 0]]]))  # 1^2
        tensor(1.)
    """

    formula = "mean of p (I - c_1)^2 + (1 - p)(I - c_0)^2, c the mean colours of p and 1 - p"
    paper = "Chan and Vese 2001; Yang et al. 2023, arXiv:2303.11630"
    use_when = "objects of one colour on a background of another; weak labels (extra input: image)"
    tags = ("weak",)
    needs = ("image",)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Chan-Vese energy."""
        return level_set_loss(prob, _image(prob, type(self).__name__), weight=mask)
