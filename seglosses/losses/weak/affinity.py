"""Losses that carry labels of scribbles and points over the image; they need the image."""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_map
from seglosses.losses.base import SegmentationLoss, SegOptions
from seglosses.losses.classes import refuse_per_pixel, refuse_points
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.first_order import refuse_transforms
from seglosses.primitives.neighbours import shifted
from seglosses.primitives.quadratic import quadratic_form
from seglosses.primitives.reduction import Asked, average_pixels
from seglosses.primitives.tree_filter import colour_tree, tree_means

__all__ = [
    "GatedCRFLoss",
    "TreeEnergyLoss",
    "gated_crf_loss",
    "tree_energy_loss",
]


def gated_crf_loss(
    prob: Tensor,
    image: Tensor,
    *,
    gate: Tensor | None = None,
    radius: int = 5,
    sigma_space: float = 6.0,
    sigma_colour: float = 0.1,
    smoothness: float = 0.0,
) -> Tensor:
    r"""Near pixels of like colour should have one label, as in a conditional random field.

        loss_c = 1 / sum_i g_i sum_ij g_i g_j k_ij p_i(c) (1 - p_j(c))
        k_ij = exp(-|x_i - x_j|^2 / (2 s^2) - |I_i - I_j|^2 / (2 t^2))
               + smoothness exp(-|x_i - x_j|^2 / (2 s^2))

    over ordered pairs in a window. The sum over classes is Potts' energy of the paper.

    Args:
        prob: Class probabilities, (N, C, *S); differentiable once.
        image: I, (N, K, *S).
        gate: g, weights of pixels, (N, 1, *S); 0 shuts a pixel out.
        radius: Of the window, pixels.
        sigma_space: s, pixels.
        sigma_colour: t, in units of the image.
        smoothness: Weight of the kernel without colours.

    Returns:
        One loss per image and class, (N, C), not negative.

    References:
        Obukhov et al., Gated CRF loss for weakly supervised semantic image segmentation, 2019,
        arXiv:1906.04651.

    Example:
        >>> prob = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])
        >>> grey = torch.zeros(1, 1, 1, 2)
        >>> gated_crf_loss(prob, grey, sigma_space=1.0)  # exp(-1/2) / 2 of each class
        tensor([[0.3033, 0.3033]])
    """
    refuse_transforms()
    size = prob.shape[2:]
    p = prob.detach()
    near, reach = torch.zeros_like(p), torch.zeros_like(p[:, :1])
    for step in product(range(-radius, radius + 1), repeat=len(size)):
        # half of the window: the other half are the same pairs
        if step <= (0,) * len(size) or any(
            abs(d) >= length for d, length in zip(step, size, strict=True)
        ):
            continue
        here, there = shifted(size, step)
        colour = (image[here] - image[there]).square().sum(1, keepdim=True)
        like = (colour / (-2 * sigma_colour**2)).exp_().add_(smoothness)
        like = like.mul_(math.exp(sum(d * d for d in step) / (-2 * sigma_space**2)))
        if gate is not None:
            like = like * gate[here] * gate[there]
        near[here].addcmul_(like, p[there])
        near[there].addcmul_(like, p[here])
        reach[here].add_(like)
        reach[there].add_(like)
    # sum k p_i (1 - p_j) = sum p (reach - near), whose slope is reach - 2 near
    total = quadratic_form(prob, reach, -near)
    if gate is None:
        return total / max(size.numel(), 1)
    share = gate.flatten(2).sum(2)
    return total / torch.where(share > 0, share, 1.0)


def tree_energy_loss(
    prob: Tensor,
    image: Tensor,
    *,
    weight: Tensor | None = None,
    sigma: float = 0.02,
    features: Tensor | None = None,
) -> Tensor:
    r"""Predictions should be those of pixels of like colour, near or far.

        loss_c = mean of |p - q|,  q = means of p along the tree

    The tree is the minimum spanning tree of squared differences of neighbouring colours; a pixel
    weighs by the product of exp(-|dI|^2 / sigma) along its edges. With features q is averaged
    along a second tree, of these, where sigma is 1.

    Args:
        prob: Class probabilities, (N, C, *S); differentiable once.
        image: I, (N, K, *S).
        weight: Weights of pixels in the mean, (N, 1, *S); all are in the tree.
        sigma: Of the image: 0.02 or 0.002 in the paper, of images normalised to deviation 1.
        features: (N, D, *S).

    Returns:
        One loss per image and class, (N, C), in [0, 1].

    References:
        Liang et al., Tree energy loss, CVPR 2022, arXiv:2203.10739. There features get a gradient
        through their tree, here they get none.

    Example:
        >>> prob = torch.tensor([[[[1.0, 0.0, 0.0]]]])
        >>> image = torch.tensor([[[[0.0, 0.0, 9.0]]]])  # the first two are one: 1/2 each
        >>> tree_energy_loss(prob, image)  # (1/2 + 1/2 + 0) / 3
        tensor([[0.3333]])
    """
    refuse_transforms()
    means = _along_trees(prob, image, features, sigma)
    return average_pixels((prob - means).abs(), weight)


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _along_trees(prob: Tensor, image: Tensor, features: Tensor | None, sigma: float) -> Tensor:
    """Outside of compiled graphs: the host makes the trees."""
    for guide, spread in ((image, sigma), (features, 1.0)):
        if guide is not None:
            host = guide.detach().cpu().nan_to_num().numpy()
            prob = tree_means(prob, [colour_tree(each, spread) for each in host])
    return prob


class _ColouredLoss(SegmentationLoss):
    """Energies of images in which most pixels have no label."""

    unlabelled: int | None

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int | None = None,
    ) -> Tensor:
        """Loss of raw logits, see :meth:`seglosses.losses.base.SegmentationLoss.forward`.

        Pixels of the label ``unlabelled`` count, whatever label is ignored.
        """
        # dense targets say by zeros which pixels do not count
        if self.unlabelled is not None and target.shape != pred.shape:
            target = target.masked_fill(target == self.unlabelled, 0)
        return super().forward(pred, target, weight, avg_factor, reduction_override, ignore_index)

    def _set_unlabelled(self, unlabelled: int | None) -> None:
        if unlabelled is not None:
            check_range("(-inf, inf)", whole=True, unlabelled=unlabelled)
        self.unlabelled = unlabelled

    def energy(self, prob: Tensor, image: Tensor, mask: Tensor | None) -> Tensor:
        """Energies of images and classes, (N, C)."""
        raise NotImplementedError

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Sum over classes, or mean over independent channels; mean over images."""
        owner = type(self).__name__
        refuse_per_pixel(owner, asked, batch)
        refuse_points(owner, batch)
        prob, size = batch.prob(), tuple(batch.logits.shape[2:])
        image = extra_map("image", owner, len(prob), size).detach().to(prob.dtype)
        loss = self.energy(prob, image, batch.mask())
        if batch.sigmoid:
            # each channel is a class and its complement, which differ as much
            loss = 2 * loss / batch.channels
        if self.class_weight is not None:
            loss = loss * self.class_weight
        return asked.of(loss.sum(1), batch.row_weight)


class GatedCRFLoss(_ColouredLoss):
    """Registered form of :func:`gated_crf_loss`; needs the extra input ``image``.

    Energies of classes are summed. Of the label it reads only which pixels count: those that are
    ignored, or have weight 0, are shut out, and those of the label ``unlabelled`` are not.

    Args:
        radius: Of the window, pixels; the time grows with its area.
        sigma_space: In pixels.
        sigma_colour: In units of the image, as the network sees it.
        smoothness: Weight of the kernel without colours.
        unlabelled: Label of pixels that nobody labelled, which count here; None where there is
            none.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: without the extra input ``image``, or where it does not fit the logits.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> logits = torch.tensor([[[[99.0, -99.0]], [[-99.0, 99.0]]]])
        >>> with extra_inputs(image=torch.zeros(1, 3, 1, 2)):
        ...     GatedCRFLoss(sigma_space=1.0)(logits, torch.tensor([[[0, 255]]]))  # exp(-1/2)
        tensor(0.6065)
    """

    formula = "1 / n sum_ij k_ij (1 - sum_c p_i p_j), k the likeness of colours in a window"
    paper = "Obukhov et al. 2019, arXiv:1906.04651"
    use_when = "scribbles or points, beside cross-entropy, weight 0.1 (extra input: image)"
    tags = ("weak", "partial")
    needs = ("image",)

    def __init__(
        self,
        radius: int = 5,
        sigma_space: float = 6.0,
        sigma_colour: float = 0.1,
        smoothness: float = 0.0,
        unlabelled: int | None = 255,
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[1, inf)", whole=True, radius=radius)
        check_range("(0, inf)", sigma_space=sigma_space, sigma_colour=sigma_colour)
        check_range("[0, inf)", smoothness=smoothness)
        self.radius, self.smoothness = radius, smoothness
        self.sigma_space, self.sigma_colour = sigma_space, sigma_colour
        self._set_unlabelled(unlabelled)

    def energy(self, prob: Tensor, image: Tensor, mask: Tensor | None) -> Tensor:
        """Energies of the random field."""
        return gated_crf_loss(
            prob,
            image if mask is None else torch.where(mask > 0, image, 0.0),
            gate=mask,
            radius=self.radius,
            sigma_space=self.sigma_space,
            sigma_colour=self.sigma_colour,
            smoothness=self.smoothness,
        )


class TreeEnergyLoss(_ColouredLoss):
    """Registered form of :func:`tree_energy_loss`; needs the extra input ``image``.

    Distances of classes are summed. Of the label it reads only which pixels count: those that are
    ignored, or have weight 0, are not in the mean, and those of the label ``unlabelled`` are.
    As published, only these are: then give pixels with a label the weight 0.

    Args:
        sigma: Squared difference of colours of the image as the network sees it, over which an edge
            passes 1/e.
        high_level: A second tree, of the extra input ``features``, follows that of the image.
        unlabelled: Label of pixels that nobody labelled, which count here; None where there is
            none.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: without the extra input ``image``, or where it does not fit the logits.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> logits = torch.tensor([[[[99.0, -99.0]], [[-99.0, 99.0]]]])
        >>> with extra_inputs(image=torch.zeros(1, 3, 1, 2)):  # the means are 1/2
        ...     TreeEnergyLoss()(logits, torch.tensor([[[0, 255]]]))
        tensor(1.)
    """

    formula = "mean of |p - q|, q the means of p along the minimum spanning tree of colours"
    paper = "Liang et al. 2022, arXiv:2203.10739"
    use_when = "scribbles or points, beside cross-entropy, weight 0.4 (extra input: image)"
    tags = ("weak", "partial")
    needs = ("image",)

    def __init__(
        self,
        sigma: float = 0.02,
        high_level: bool = False,
        unlabelled: int | None = 255,
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", sigma=sigma)
        self.sigma, self.high_level = sigma, high_level
        self._set_unlabelled(unlabelled)

    def energy(self, prob: Tensor, image: Tensor, mask: Tensor | None) -> Tensor:
        """Distances from the means along the trees."""
        features = None
        if self.high_level:
            size = tuple(prob.shape[2:])
            features = extra_map("features", type(self).__name__, len(prob), size)
        return tree_energy_loss(prob, image, weight=mask, sigma=self.sigma, features=features)
