"""Losses of explanations: where a network looks, against where it should."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.attributions import gradient_length, gradient_times_input
from seglosses.extra_inputs import at_size, extra_input, extra_map, require_graph
from seglosses.losses.classwise import MapLoss
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.layout import pick_channels
from seglosses.primitives.reduction import select_classes

__all__ = [
    "AttributionEnergyLoss",
    "RightReasonsLoss",
    "attribution_energy_loss",
    "right_reasons_loss",
]


def attribution_energy_loss(
    attributions: Tensor, inside: Tensor, *, weight: Tensor | None = None
) -> Tensor:
    r"""Share of the positive attribution that falls outside a class's region.

        loss = 1 - sum inside of a+ / sum of a+,  a+ = max(a, 0)

    Where the whole attribution is below 1e-7 the denominator is left out, so that nothing divides
    by zero and the loss is 1.

    Args:
        attributions: a, (N, C, *S); anything where the weight is 0.
        inside: Masks or filled boxes, (N, C, *S) in [0, 1].
        weight: Weights of pixels, (N, 1, *S).

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 where all weights are 0.

    References:
        Energy loss of Rao et al., Studying how to efficiently and effectively guide models with
        explanations, ICCV 2023, arXiv:2303.11932.

    Example:
        >>> attributions = torch.tensor([[[1.0, 3.0, -2.0]]])
        >>> attribution_energy_loss(attributions, torch.tensor([[[0.0, 1.0, 1.0]]]))  # 1 - 3 / 4
        tensor([[0.2500]])
    """
    energy = _weighed(attributions, weight).clamp(min=0)
    if weight is not None:
        energy = energy * weight
    within = (energy * inside).flatten(2).sum(2)
    total = energy.flatten(2).sum(2)
    loss = 1 - within / torch.where(total < 1e-7, 1.0, total)
    return loss if weight is None else torch.where((weight > 0).flatten(1).any(1)[:, None], loss, 0)


def right_reasons_loss(
    attributions: Tensor, inside: Tensor, *, weight: Tensor | None = None
) -> Tensor:
    r"""Squared attribution outside of a class's region (right for the right reasons, RRR).

        loss = sum of (a (1 - inside))^2

    Both signs count, and nothing inside does. It has no scale of its own: it grows with the square
    of the attributions and with the number of pixels, so choose its weight after a look at it, or
    take :func:`attribution_energy_loss`, which is a share.

    Args:
        attributions: a, (N, C, *S), in the paper the gradient of the log-probabilities; anything
            where the weight is 0.
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
    outside = (_weighed(attributions, weight) * (1 - inside)).square()
    if weight is not None:
        outside = outside * weight
    return outside.flatten(2).sum(2)


def _weighed(attributions: Tensor, weight: Tensor | None) -> Tensor:
    """Zero where nothing counts: a product alone would keep NaN."""
    return attributions if weight is None else torch.where(weight > 0, attributions, 0.0)


class _AttributionLoss(MapLoss):
    """Reads ``attributions``, or computes them from the logits to what ``attribute_to`` is."""

    needs = ("attributions",)
    default_classes = "present"

    def _attribute(self, outputs: Tensor, base: Tensor, own: Tensor, mask: Tensor | None) -> Tensor:
        """Attributions to ``base``; ``own`` are the pixels of each class that count."""
        raise NotImplementedError

    def _maps(self, outputs: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Attributions of the chosen classes, with a graph to the logits that carries nothing."""
        owner, size = type(self).__name__, tuple(outputs.shape[2:])
        base = extra_input("attribute_to")
        if extra_input("attributions") is None and base is not None:
            own = target if mask is None else torch.where(mask > 0, target, 0.0)
            maps = at_size(self._attribute(outputs, base, own, mask), size)
        else:
            maps = extra_map("attributions", owner, len(outputs), size)
            require_graph(maps, "attributions", owner, outputs)
        if maps.shape[1] != outputs.shape[1] and self.classes is not None:
            chosen = select_classes(self.classes, maps.shape[1])
            maps = maps if chosen is None else pick_channels(maps, chosen)
        if maps.shape[1] != outputs.shape[1]:
            raise ValueError(
                f"attributions must have one map per class: {outputs.shape[1]}, got {maps.shape[1]}"
            )
        return maps.to(outputs.dtype) + outputs[..., :0].sum()


class AttributionEnergyLoss(_AttributionLoss):
    """Registered form of :func:`attribution_energy_loss`; needs the extra input ``attributions``.

    Where ``attribute_to`` (the image or features) is stated in their place, they are the
    contributions of :func:`~seglosses.attributions.gradient_times_input` to a class's logits at
    all pixels that count, as the paper explains a class of a whole image. Only classes that the
    label has count. The gradient goes to the attributions (which must have a graph), none to the
    logits.

    Args:
        options: See :class:`~seglosses.losses.classwise.MapLoss`; ``classes='present'`` by
            default.

    Raises:
        ValueError: without ``attributions``, where they do not fit the logits, or where the logits
            have a graph and they have none.

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
    use_when = "the network should look at objects, not at context (extra input: attributions)"
    tags = ("explanation",)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Share of the attribution outside; ``prob`` are logits."""
        return attribution_energy_loss(self._maps(prob, target, mask), target, weight=mask)

    def _attribute(self, outputs: Tensor, base: Tensor, own: Tensor, mask: Tensor | None) -> Tensor:
        present = own.flatten(2).any(2).view(*own.shape[:2], *(1,) * (own.dim() - 2))
        counted = torch.ones_like(own[:, :1]) if mask is None else mask > 0
        return gradient_times_input(outputs, base, (present * counted).to(own.dtype))

    def _read(self, batch: Aligned, chosen: list[int] | None) -> Tensor:
        logits = batch.masked_logits()
        return logits if chosen is None else pick_channels(logits, chosen)


class RightReasonsLoss(_AttributionLoss):
    """Registered form of :func:`right_reasons_loss`; needs the extra input ``attributions``.

    Where ``attribute_to`` (the image or features) is stated in their place, they are lengths of
    gradients, :func:`~seglosses.attributions.gradient_length`, of a class's log-probabilities at
    the pixels that the label gives the class: elsewhere the network must see what lies outside of
    it. Classes and gradient are those of :class:`AttributionEnergyLoss`.

    Args:
        options: See :class:`~seglosses.losses.classwise.MapLoss`; ``classes='present'`` by
            default.

    Raises:
        ValueError: without ``attributions``, where they do not fit the logits, or where the logits
            have a graph and they have none.

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
    use_when = "context must not count at all, neither for nor against (extra input: attributions)"
    tags = ("explanation",)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Squared attribution outside; ``prob`` are log-probabilities."""
        return right_reasons_loss(self._maps(prob, target, mask), target, weight=mask)

    def _attribute(self, outputs: Tensor, base: Tensor, own: Tensor, mask: Tensor | None) -> Tensor:
        return gradient_length(outputs, base, own)

    def _read(self, batch: Aligned, chosen: list[int] | None) -> Tensor:
        logits = batch.masked_logits()
        logs = F.logsigmoid(logits) if batch.sigmoid else logits.log_softmax(1)
        return logs if chosen is None else pick_channels(logs, chosen)
