"""Distillation of channels: where each of them looks, and how it correlates with the teacher's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import SegOptions
from seglosses.losses.guided.taught import TaughtLoss
from seglosses.primitives import layout
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.encoding import Aligned, activate

__all__ = [
    "ChannelWiseDistillationLoss",
    "DISTLoss",
    "channel_wise_distillation_loss",
    "dist_loss",
]


def channel_wise_distillation_loss(
    student: Tensor, teacher: Tensor, *, temperature: float = 4.0
) -> Tensor:
    r"""Where each channel looks: divergence of its softmax over pixels from the teacher's.

        loss_c = T^2 KL(softmax over pixels of t_c / T || softmax over pixels of s_c / T)

    Args:
        student: Logits or features, (N, C, *S).
        teacher: Of that shape; a constant of differentiation.
        temperature: T.

    Returns:
        One loss per image and channel, (N, C), not negative.

    References:
        Shu et al., Channel-wise knowledge distillation for dense prediction, ICCV 2021,
        arXiv:2011.13256.

    Example:
        >>> student = torch.zeros(1, 1, 2)
        >>> teacher = torch.tensor([[[3.0, 1.0]]]).log()  # 3/4 and 1/4 against 1/2 and 1/2
        >>> channel_wise_distillation_loss(student, teacher, temperature=1.0)
        tensor([[0.1308]])
    """
    log_p = (student.flatten(2) / temperature).log_softmax(2)
    log_q = (teacher.detach().flatten(2) / temperature).log_softmax(2)
    return temperature**2 * (log_q.exp() * (log_q - log_p)).sum(2)


def dist_loss(
    prob: Tensor,
    teacher: Tensor,
    *,
    inter: float = 1.0,
    intra: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Correlation with the teacher, of the classes of a pixel and of the pixels of a class.

        loss = inter mean_i (1 - r(p_i., q_i.)) + intra mean_c (1 - r(p_.c, q_.c))

    r is Pearson's correlation: what is shifted or scaled costs nothing. It is 1 where both are
    constant.

    Args:
        prob: The student's, (N, C, *S), C > 1.
        teacher: (N, C, *S); a constant of differentiation.
        inter: Weight of the first term.
        intra: Weight of the second.
        weight: Weights of pixels, (N, 1, *S).

    Returns:
        One loss per image, (N,), in [0, 2 (inter + intra)].

    References:
        Huang et al., Knowledge distillation from a stronger teacher, NeurIPS 2022,
        arXiv:2205.10536. There the pixels of a class are those of the whole batch.

    Example:
        >>> p, q = torch.tensor([[[0.8], [0.2]]]), torch.tensor([[[0.4], [0.6]]])
        >>> dist_loss(p, q)  # one pixel: 1 - (-1), and nothing to correlate
        tensor([2.])
    """
    p, q = prob.flatten(2), teacher.detach().flatten(2)
    share = torch.ones_like(p[:, :1]) if weight is None else weight.flatten(2)
    total = share.sum(2)
    total = torch.where(total > 0, total, 1.0)
    classes = 1 - _correlation(p, q, None, 1)
    pixels = 1 - _correlation(p, q, None if weight is None else share, 2)
    per_pixel = (classes * share.squeeze(1)).sum(1) / total.squeeze(1)
    seen = (share > 0).flatten(1).any(1)
    return torch.where(seen, inter * per_pixel + intra * pixels.mean(1), per_pixel * 0)


def _correlation(p: Tensor, q: Tensor, share: Tensor | None, dim: int) -> Tensor:
    """Pearson's over classes (1), or over pixels (2) by their shares, 1 where both are constant."""
    if is_transformed():
        return _with_a_graph(p, q, share, dim)
    if not at_hand(p) or not p.numel():
        r: Tensor = _Correlation.apply(p, q, share, dim)  # type: ignore[no-untyped-call]
        return r
    # in parts of the other dimension, which a cache holds during a dozen passes
    other = 3 - dim
    width = max(1, layout.BLOCK * p.shape[other] // p.numel())
    parts = zip(torch.split(p, width, other), torch.split(q, width, other), strict=True)
    return torch.cat([_Correlation.apply(*part, share, dim) for part in parts], 1)  # type: ignore[no-untyped-call]


def _with_a_graph(p: Tensor, q: Tensor, share: Tensor | None, dim: int) -> Tensor:
    share = torch.ones_like(p) if share is None else share.expand_as(p)
    total = share.sum(dim, keepdim=True)
    total = torch.where(total > 0, total, 1.0)
    p, q = (x - (x * share).sum(dim, keepdim=True) / total for x in (p, q))
    both, of_p, of_q = ((x * share).sum(dim) for x in (p * q, p * p, q * q))
    flat_p, flat_q = _flat(of_p, total.squeeze(dim)), _flat(of_q, total.squeeze(dim))
    root = (torch.where(flat_p, 1.0, of_p) * torch.where(flat_q, 1.0, of_q)).sqrt()
    return torch.where(flat_p | flat_q, (flat_p & flat_q).to(p.dtype), both / root)


def _flat(squares: Tensor, total: Tensor) -> Tensor:
    """Deviations of a few roundings are those of a constant."""
    return squares <= total * (8 * torch.finfo(squares.dtype).eps) ** 2


class _Correlation(torch.autograd.Function):
    """:func:`_with_a_graph`, which keeps p, q and their means, and whose gradient is two passes."""

    @staticmethod
    def forward(ctx: Any, p: Tensor, q: Tensor, share: Tensor | None, dim: int) -> Tensor:
        if share is None:
            total = p.new_full((), max(1, p.shape[dim])).expand(len(p), 1, 1)
            means = [x.sum(dim, keepdim=True).div_(total) for x in (p, q)]
        else:
            total = share.sum(dim, keepdim=True)
            total = torch.where(total > 0, total, 1.0)
            means = [(x * share).sum(dim, keepdim=True).div_(total) for x in (p, q)]
        apart, other = p - means[0], q - means[1]
        weighed = apart if share is None else apart * share
        both, of_p = (weighed * other).sum(dim), (weighed * apart).sum(dim)
        of_q = other.square_() if share is None else other.square_().mul_(share)
        of_q = of_q.sum(dim)
        flat_p, flat_q = _flat(of_p, total.squeeze(dim)), _flat(of_q, total.squeeze(dim))
        flat = flat_p | flat_q
        root = (torch.where(flat_p, 1.0, of_p) * torch.where(flat_q, 1.0, of_q)).sqrt_()
        r = torch.where(flat, (flat_p & flat_q).to(p.dtype), both / root)
        # dr / dp = share (q - mean) / root - share (p - mean) r / of_p
        toward = torch.where(flat, 0.0, 1 / root)
        back = torch.where(flat, 0.0, r / torch.where(flat_p, 1.0, of_p))
        kept = () if share is None else (share,)
        ctx.save_for_backward(p, q, *means, toward, back, *kept)
        ctx.dim = dim
        return r

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        p, q, mean_p, mean_q, toward, back, *kept = ctx.saved_tensors
        share = kept[0] if kept else None
        if torch.is_grad_enabled():
            r = _with_a_graph(p, q, share, ctx.dim)
            (slope,) = torch.autograd.grad(r, p, grad, create_graph=True)
            return slope, None, None, None
        toward, back = ((each * grad).unsqueeze(ctx.dim) for each in (toward, back))
        # deviations first: the products cancel where p or q is nearly constant
        slope = (q - mean_q).mul_(toward).addcmul_(back, p - mean_p, value=-1)
        return slope if share is None else slope.mul_(share), None, None, None


class ChannelWiseDistillationLoss(TaughtLoss):
    """Registered form of :func:`channel_wise_distillation_loss` (CWD), of logits.

    Needs the extra input ``teacher``. The mean over channels; pixels that are ignored or have
    weight 0 have no share, and weights other than 0 and 1 are refused.

    Args:
        temperature: T, divides the logits of both networks.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: for a ``temperature`` up to 0, or without the extra input ``teacher``.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> teacher = torch.tensor([[[[3.0, 1.0]]]]).log()
        >>> with extra_inputs(teacher=teacher):  # 3/4 and 1/4 against 1/2 and 1/2
        ...     loss = ChannelWiseDistillationLoss(temperature=1.0)
        ...     loss(torch.zeros(1, 1, 1, 2), torch.tensor([[[0, 1]]]))
        tensor(0.1308)
    """

    formula = "T^2 / C sum_c KL(softmax over pixels of t_c / T || that of s_c / T)"
    paper = "Shu et al. 2021, arXiv:2011.13256"
    use_when = "a larger trained network, and where each class lies matters (extra input: teacher)"
    tags = ("teacher",)
    weighs_classes = True

    def __init__(self, temperature: float = 4.0, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", temperature=temperature)
        self.temperature = temperature

    def relate(self, student: Tensor, teacher: Tensor, batch: Aligned) -> Tensor:
        """Mean over channels."""
        if batch.valid is not None:
            gone = ~batch.valid.unsqueeze(1)
            # no share of the softmax, and none of its slope
            student, teacher = student.masked_fill(gone, -1e30), teacher.masked_fill(gone, -1e30)
        loss = channel_wise_distillation_loss(student, teacher, temperature=self.temperature)
        return (loss if self.class_weight is None else loss * self.class_weight).mean(1)


class DISTLoss(TaughtLoss):
    """Registered form of :func:`dist_loss`; needs the extra input ``teacher``.

    One channel is two classes; independent channels are each two, and the mean is taken.

    Args:
        inter: Weight of the classes of a pixel.
        intra: Weight of the pixels of a class.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: without the extra input ``teacher``.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> with extra_inputs(teacher=torch.tensor([[[[0.4]], [[0.6]]]]).log()):
        ...     loss = DISTLoss()
        ...     loss(torch.tensor([[[[0.8]], [[0.2]]]]).log(), torch.tensor([[[0]]]))
        tensor(2.)
    """

    formula = "mean_i (1 - r(p_i., q_i.)) + mean_c (1 - r(p_.c, q_.c)), r Pearson's correlation"
    paper = "Huang et al. 2022, arXiv:2205.10536"
    use_when = "the teacher is much stronger than the student (extra input: teacher)"
    tags = ("teacher",)

    def __init__(
        self, inter: float = 1.0, intra: float = 1.0, **options: Unpack[SegOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", inter=inter, intra=intra)
        self.inter, self.intra = inter, intra

    def relate(self, student: Tensor, teacher: Tensor, batch: Aligned) -> Tensor:
        """Correlations of the pixels that count."""
        p, q = activate(student, batch.sigmoid), activate(teacher, batch.sigmoid)
        mask, channels = batch.mask(), batch.channels
        if batch.sigmoid:
            p, q = (torch.stack([1 - x, x], 2).flatten(0, 1) for x in (p, q))
            mask = None if mask is None else mask.repeat_interleave(channels, 0)
        loss = dist_loss(p, q, inter=self.inter, intra=self.intra, weight=mask)
        return loss.view(-1, channels).mean(1) if batch.sigmoid else loss
