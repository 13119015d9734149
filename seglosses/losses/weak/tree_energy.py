"""Labels carried over the image along the tree that joins pixels of like colour."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_map
from seglosses.losses.weak.coloured import ColouredLoss, ColouredOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.layout import flat_maps
from seglosses.primitives.tree_filter import tree_distances

__all__ = [
    "TreeEnergyLoss",
    "tree_energy_loss",
]


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
        >>> import torch
        >>> prob = torch.tensor([[[[1.0, 0.0, 0.0]]]])
        >>> image = torch.tensor([[[[0.0, 0.0, 9.0]]]])  # the first two are one: 1/2 each
        >>> tree_energy_loss(prob, image)  # (1/2 + 1/2 + 0) / 3
        tensor([[0.3333]])
    """
    guides, spreads = [image], [sigma]
    if features is not None:
        guides, spreads = [image, features], [sigma, 1.0]
    sums = tree_distances(prob, guides, spreads, weight)
    if weight is None:
        return sums / max(math.prod(prob.shape[2:]), 1)
    total = flat_maps(weight).sum(2)
    return sums / torch.where(total > 0, total, 1.0)


class TreeEnergyLoss(ColouredLoss):
    """Registered form of :func:`tree_energy_loss`; needs the extra input ``image``.

    Distances of classes are summed. Of the label it reads only which pixels count: those that are
    ignored, or have weight 0, are not in the mean, and those of the label ``unlabelled`` are.
    As published, only these are: then give pixels with a label the weight 0.

    Args:
        sigma: Squared difference of colours of the image as the network sees it, over which an edge
            passes 1/e.
        high_level: A second tree, of the extra input ``features``, follows that of the image.
        options: See :class:`~seglosses.losses.weak.coloured.ColouredLoss`.

    Raises:
        ValueError: without the extra input ``image``, or where it does not fit the logits.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> logits = torch.tensor([[[[99.0, -99.0]], [[-99.0, 99.0]]]])
        >>> with extra_inputs(image=torch.zeros(1, 3, 1, 2)):  # the means are 1/2
        ...     TreeEnergyLoss()(logits, torch.tensor([[[0, 255]]]))
        tensor(1.)
    """

    formula = "mean of |p - q|, q the means of p along the minimum spanning tree of colours"
    paper = "Liang et al. 2022, arXiv:2203.10739"
    use_when = "scribbles or points, beside cross-entropy, weight 0.4 (extra input: image)"

    def __init__(
        self,
        sigma: float = 0.02,
        high_level: bool = False,
        **options: Unpack[ColouredOptions],
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", sigma=sigma)
        self.sigma, self.high_level = sigma, high_level

    def energy(self, prob: Tensor, image: Tensor, mask: Tensor | None) -> Tensor:
        """Distances from the means along the trees."""
        features = None
        if self.high_level:
            size = tuple(prob.shape[2:])
            features = extra_map("features", type(self).__name__, len(prob), size)
        return tree_energy_loss(prob, image, weight=mask, sigma=self.sigma, features=features)
