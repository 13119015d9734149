"""Losses that carry labels of scribbles and points over the image; they need the image."""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.weak.coloured import ColouredLoss, ColouredOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.first_order import refuse_transforms
from seglosses.primitives.neighbours import shifted
from seglosses.primitives.quadratic import quadratic_form

__all__ = [
    "GatedCRFLoss",
    "gated_crf_loss",
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


class GatedCRFLoss(ColouredLoss):
    """Registered form of :func:`gated_crf_loss`; needs the extra input ``image``.

    Energies of classes are summed. Of the label it reads only which pixels count: those that are
    ignored, or have weight 0, are shut out, and those of the label ``unlabelled`` are not.

    Args:
        radius: Of the window, pixels; the time grows with its area.
        sigma_space: In pixels.
        sigma_colour: In units of the image, as the network sees it.
        smoothness: Weight of the kernel without colours.
        options: See :class:`~seglosses.losses.weak.coloured.ColouredLoss`.

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

    def __init__(
        self,
        radius: int = 5,
        sigma_space: float = 6.0,
        sigma_colour: float = 0.1,
        smoothness: float = 0.0,
        **options: Unpack[ColouredOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[1, inf)", whole=True, radius=radius)
        check_range("(0, inf)", sigma_space=sigma_space, sigma_colour=sigma_colour)
        check_range("[0, inf)", smoothness=smoothness)
        self.radius, self.smoothness = radius, smoothness
        self.sigma_space, self.sigma_colour = sigma_space, sigma_colour

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
