"""Boundary-privileged distillation: a teacher's boundaries, and the bodies that they leave."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.guided.distillation import kl_distillation_loss, like_logits
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.label_edges import label_boundary
from seglosses.primitives.layout import pick_channels
from seglosses.primitives.reduction import Asked, average_pixels, select_classes

__all__ = [
    "BoundaryDistillationLoss",
    "boundary_distillation_loss",
]


def boundary_distillation_loss(
    logits: Tensor,
    teacher_logits: Tensor,
    edges: Tensor,
    *,
    weight: Tensor | None = None,
    temperature: float = 4.0,
    edge_weight: float = 20.0,
    body_weight: float = 50.0,
) -> Tensor:
    r"""Boundary-privileged distillation: what is near a class's boundary, and its body, apart.

        edge_c = mean over the band M_c of KL(q || p),  p, q = softmax over classes of z M_c / T
        body_c = T^2 / C * KL(Q || P),  P, Q = softmax over pixels of z_c (1 - M_c) / T
        loss_c = edge_weight * edge_c + body_weight * body_c

    Where a band masks logits they become zero, as in the paper's figures. With weights the mean is
    by weight and P_i, Q_i are in proportion to w_i exp(...), so that a pixel of weight 2 counts as
    two pixels would, and one of weight 0 as none. The official repository has no training code; the
    constants are those of a public port.

    Args:
        logits: The student's, (N, C, *S).
        teacher_logits: (N, C, *S); a constant of differentiation.
        edges: The bands M, boolean (N, C, *S).
        weight: Weights of pixels w, (N, 1, *S), at least 0; logits where it is 0 must be finite.
        temperature: T, divides the logits of both networks.
        edge_weight: Of the bands.
        body_weight: Of what the bands leave.

    Returns:
        One loss per image and class, (N, C), not negative.

    References:
        Liu et al., BPKD: boundary privileged knowledge distillation for semantic segmentation,
        WACV 2024, arXiv:2306.08075.

    Example:
        >>> z = torch.tensor([[[2.0, 0.0], [0.0, 2.0]]])
        >>> boundary_distillation_loss(z, z, torch.zeros(1, 2, 2) > 0)
        tensor([[0., 0.]])
    """
    channels = logits.shape[1]
    teacher = teacher_logits.detach()
    losses = []
    for index in range(channels):
        band = edges[:, index : index + 1].to(logits.dtype)
        per_pixel = kl_distillation_loss(logits * band / temperature, teacher * band / temperature)
        share = band if weight is None else band * weight
        edge = average_pixels(per_pixel.unsqueeze(1), share).squeeze(1)
        student_body, teacher_body = (
            (z[:, index : index + 1] * (1 - band) / temperature).flatten(1)
            for z in (logits, teacher)
        )
        body = _divergence_over_pixels(student_body, teacher_body, weight)
        losses.append(edge_weight * edge + body_weight * temperature**2 * body / channels)
    return torch.stack(losses, 1)


def _divergence_over_pixels(logits: Tensor, teacher: Tensor, weight: Tensor | None) -> Tensor:
    """Divergence of distributions over weighted pixels (N, P), (N,)."""
    if weight is None:
        return kl_distillation_loss(logits, teacher)
    share = weight.flatten(1)
    # an image of which nothing counts has a uniform distribution, for that of no pixel is NaN
    counts = (share > 0) | ~(share > 0).any(1, keepdim=True)
    log_share = torch.where(share > 0, share, 1.0).log()
    log_p, log_q = (
        (z + log_share).masked_fill(~counts, -torch.inf).log_softmax(1) for z in (logits, teacher)
    )
    return (log_q.exp() * torch.where(share > 0, log_q - log_p, 0.0)).sum(1)


class BoundaryDistillationLoss(MapLoss):
    """Registered form of :func:`boundary_distillation_loss`; needs the extra input ``teacher``.

    A class's band is where its label changes within ``radius``; classes that the label lacks have
    no band. One-channel heads become two classes. Pixels that are ignored or have weight 0 are in
    no band, and in no body.

    Args:
        temperature: T, divides the logits of both networks.
        edge_weight: Of the bands.
        body_weight: Of what the bands leave.
        radius: Half width of the bands, pixels.
        options: See :class:`~seglosses.losses.classwise.MapLoss`; ``classes='all'`` by default,
            whose bands and bodies count. The teacher's distributions are over every class.

    Raises:
        ValueError: for a ``temperature`` up to 0, without ``teacher``, or for independent channels.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> teacher = torch.tensor([[[[3.0, 3.0]], [[1.0, 1.0]]]]).log()  # every pixel is in a band
        >>> with extra_inputs(teacher=teacher):
        ...     loss = BoundaryDistillationLoss(temperature=1.0, edge_weight=1.0)
        ...     loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))  # 3/4 log 3/2 + 1/4 log 1/2
        tensor(0.1308)
    """

    formula = "w_e mean over bands of KL(q || p) + w_b T^2 / C KL of the bodies' spatial softmax"
    paper = "Liu et al. 2024, arXiv:2306.08075"
    use_when = "the teacher is strongest at boundaries (extra input: teacher)"
    tags = ("boundary", "teacher")
    needs = ("teacher",)
    default_classes = "all"

    def __init__(
        self,
        temperature: float = 4.0,
        edge_weight: float = 20.0,
        body_weight: float = 50.0,
        radius: int = 3,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", edge_weight=edge_weight, body_weight=body_weight)
        check_range("[1, inf)", whole=True, radius=radius)
        check_range("(0, inf)", temperature=temperature)
        self.temperature = temperature
        self.edge_weight, self.body_weight = edge_weight, body_weight
        self.radius = radius

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Divergences of bands and bodies."""
        self._refuse_per_pixel(asked, batch)
        if batch.sigmoid and batch.channels > 1:
            raise ValueError(
                "BoundaryDistillationLoss compares distributions over classes: use softmax or a"
                " one-channel head, or KLDistillationLoss for independent channels"
            )
        mask = batch.mask()
        logits, teacher = batch.logits, like_logits("teacher", batch, type(self).__name__)
        target = batch.target() > 0.5
        if batch.channels == 1:
            logits, teacher = (torch.cat([torch.zeros_like(z), z], 1) for z in (logits, teacher))
            target = torch.cat([~target, target], 1)
        kept = None
        if mask is not None:
            logits, teacher = (torch.where(mask > 0, z, 0.0) for z in (logits, teacher))
            target = target & (mask > 0)
            kept = (mask[:, 0] > 0).repeat_interleave(target.shape[1], 0)
        bands = label_boundary(
            target.reshape(-1, 1, *target.shape[2:]), kept, radius=self.radius
        ).view(target.shape)
        loss = boundary_distillation_loss(
            logits,
            teacher,
            bands,
            weight=mask,
            temperature=self.temperature,
            edge_weight=self.edge_weight,
            body_weight=self.body_weight,
        )
        assert self.classes is not None
        weights, chosen = self.class_weight, select_classes(self.classes, target.shape[1])
        if chosen is not None:
            loss, target = pick_channels(loss, chosen), pick_channels(target, chosen)
            if weights is not None and batch.channels > 1:
                weights = pick_channels(weights, chosen, 0)
        mass = target.flatten(2).sum(2) if self._only_present(batch) else None
        return self._mean(loss, mass, weights, batch, asked)
