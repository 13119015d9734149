"""Losses of explanations: where a network looks, against where it should."""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.extra_inputs import extra_map
from seglosses.losses.classwise import ShapeLoss
from seglosses.reduction import select_classes


def attribution_energy_loss(
    attributions: Tensor, inside: Tensor, *, weight: Tensor | None = None
) -> Tensor:
    r"""Share of the positive attribution that falls outside a class's region.

        loss = 1 - sum inside of a+ / sum of a+,  a+ = max(a, 0)

    Where the whole attribution is below 1e-7 the denominator is left out, so that nothing divides
    by zero and the loss is 1.

    Args:
        attributions: a, (N, C, *S).
        inside: Masks or filled boxes, (N, C, *S) in [0, 1].
        weight: Weights of pixels, (N, 1, *S).

    Returns:
        One loss per image and class, (N, C), in [0, 1].

    References:
        Energy loss of Rao et al., Studying how to efficiently and effectively guide models with
        explanations, ICCV 2023, arXiv:2303.11932.

    Example:
        >>> attributions = torch.tensor([[[1.0, 3.0, -2.0]]])
        >>> attribution_energy_loss(attributions, torch.tensor([[[0.0, 1.0, 1.0]]]))  # 1 - 3 / 4
        tensor([[0.2500]])
    """
    energy = attributions.clamp(min=0)
    if weight is not None:
        energy = energy * weight
    within = (energy * inside).flatten(2).sum(2)
    total = energy.flatten(2).sum(2)
    return 1 - within / torch.where(total < 1e-7, 1.0, total)


def right_reasons_loss(
    attributions: Tensor, inside: Tensor, *, weight: Tensor | None = None
) -> Tensor:
    r"""Squared attribution outside of a class's region (right for the right reasons, RRR).

        loss = sum of (a (1 - inside))^2

    Both signs count, and nothing inside does. It has no scale of its own: it grows with the square
    of the attributions and with the number of pixels, so choose its weight after a look at it, or
    take :func:`attribution_energy_loss`, which is a share.

    Args:
        attributions: a, (N, C, *S); in the paper the gradient of the log-probabilities.
        inside: Masks or filled boxes, (N, C, *S) in [0, 1].
        weight: Weights of pixels, (N, 1, *S).

    Returns:
        One loss per image and class, (N, C), at least 0; 0 where nothing lies outside.

    References:
        Ross et al., Right for the right reasons: training differentiable models by constraining
        their explanations, IJCAI 2017, arXiv:1703.03717.

    Example:
        >>> attributions = torch.tensor([[[1.0, 3.0, -2.0]]])
        >>> right_reasons_loss(attributions, torch.tensor([[[0.0, 1.0, 0.0]]]))  # 1^2 + 2^2
        tensor([[5.]])
    """
    outside = (attributions * (1 - inside)).square()
    if weight is not None:
        outside = outside * weight
    return outside.flatten(2).sum(2)


class _AttributionLoss(ShapeLoss):
    needs = ("attributions",)
    default_classes = "present"

    def _maps(self, prob: Tensor) -> Tensor:
        """Attributions of the chosen classes, with a graph to the logits that carries nothing."""
        maps = extra_map("attributions", type(self).__name__, len(prob), tuple(prob.shape[2:]))
        if maps.shape[1] != prob.shape[1] and self.classes is not None:
            chosen = select_classes(self.classes, maps.shape[1])
            maps = maps if chosen is None else maps[:, chosen]
        if maps.shape[1] != prob.shape[1]:
            raise ValueError(
                f"attributions must have one map a class: {prob.shape[1]}, got {maps.shape[1]}"
            )
        return maps.to(prob.dtype) + prob * 0


class AttributionEnergyLoss(_AttributionLoss):
    """Registered form of :func:`attribution_energy_loss`; needs the extra input ``attributions``.

    Only classes that the label has count. The gradient goes to the attributions (which must have
    been computed with a graph), none to the logits.

    Args:
        options: See :class:`~seglosses.losses.classwise.ShapeLoss`; ``classes='present'`` by
            default.

    Raises:
        ValueError: without ``attributions``, or where they do not fit the logits.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> maps = torch.tensor([[[[0.0, 0.0]], [[1.0, 3.0]]]])  # class 1 looks outside with 1 of 4
        >>> with extra_inputs(attributions=maps):
        ...     loss = AttributionEnergyLoss(classes=[1])
        ...     loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))
        tensor(0.2500)
    """

    formula = "1 - sum inside of max(a, 0) / sum of max(a, 0)"
    paper = "Rao et al. 2023, arXiv:2303.11932"
    use_when = "a network should look at objects, not at context (extra input: attributions)"

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Share of the attribution outside."""
        return attribution_energy_loss(self._maps(prob), target, weight=mask)


class RightReasonsLoss(_AttributionLoss):
    """Registered form of :func:`right_reasons_loss`; needs the extra input ``attributions``.

    Classes and gradient are those of :class:`AttributionEnergyLoss`.

    Args:
        options: See :class:`~seglosses.losses.classwise.ShapeLoss`; ``classes='present'`` by
            default.

    Raises:
        ValueError: without ``attributions``, or where they do not fit the logits.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> maps = torch.tensor([[[[0.0, 0.0]], [[-2.0, 3.0]]]])  # class 1 is hurt from outside
        >>> with extra_inputs(attributions=maps):
        ...     loss = RightReasonsLoss(classes=[1])
        ...     loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))  # (-2)^2
        tensor(4.)
    """

    formula = "sum of (a (1 - inside))^2"
    paper = "Ross et al. 2017, arXiv:1703.03717"
    use_when = "context must have no say at all, for or against (extra input: attributions)"

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Squared attribution outside."""
        return right_reasons_loss(self._maps(prob), target, weight=mask)
