"""Distillation of what a teacher says of relations between pixels, of an image or a batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import SegOptions
from seglosses.losses.guided.taught import TaughtLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import is_transformed, widest
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.first_order import as_given

__all__ = [
    "CrossImageDistillationLoss",
    "PixelAffinityDistillationLoss",
    "cross_image_distillation_loss",
    "pixel_affinity_distillation_loss",
]


def pixel_affinity_distillation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    r"""Pairs of pixels should be as alike as the teacher finds them.

        loss = mean over pairs of (cos(s_i, s_j) - cos(t_i, t_j))^2

    Time and memory are linear in the pixels: with S and T the matrices of the pixels' unit vectors,
    the sum over pairs is |S'S|^2 + |T'T|^2 - 2 |S'T|^2.

    Args:
        student: Logits or features, (N, C, *S).
        teacher: (N, D, *S); a constant of differentiation.

    Returns:
        One loss per image, (N,), in [0, 4].

    References:
        Liu et al., Structured knowledge distillation for semantic segmentation, CVPR 2019,
        arXiv:1903.04197; of features in Li et al., Feature affinity assisted knowledge
        distillation, 2023, arXiv:2302.10899, whose fast form approximates these sums.

    Example:
        >>> student = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])  # two pixels alike
        >>> teacher = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # two orthogonal ones
        >>> pixel_affinity_distillation_loss(student, teacher)  # 2 of 4 pairs differ by 1
        tensor([0.5000])
    """
    maps, taught = student.flatten(2), teacher.detach().flatten(2).to(student.dtype)
    if maps.shape[2] > max(maps.shape[1], taught.shape[1]) and not is_transformed():
        loss: Tensor = _AffinityGap.apply(maps, taught)  # type: ignore[no-untyped-call]
        return loss
    return _affinity_gap(maps, taught)


def _affinity_gap(student: Tensor, teacher: Tensor) -> Tensor:
    s, t = (F.normalize(maps, dim=1) for maps in (student, teacher))
    pixels = s.shape[2]
    if pixels <= max(s.shape[1], t.shape[1]):
        gap = torch.bmm(s.transpose(1, 2), s) - torch.bmm(t.transpose(1, 2), t)
        return gap.square().flatten(1).sum(1) / max(pixels**2, 1)
    wide = widest(s)
    # sums that nearly cancel are added up in the widest type there is
    own, taught, both = (
        torch.bmm(a, b.transpose(1, 2)).to(wide).square().flatten(1).sum(1)
        for a, b in ((s, s), (t, t), (s, t))
    )
    loss: Tensor = ((own + taught - 2 * both) / pixels**2).clamp(min=0).to(student.dtype)
    return loss


class _AffinityGap(torch.autograd.Function):
    """:func:`_affinity_gap` of more pixels than features, in a few passes over these."""

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor) -> Tensor:
        width = student.shape[1]
        both = student.new_empty((len(student), width + teacher.shape[1], student.shape[2]))
        length = _write_units(student, both[:, :width])
        _write_units(teacher, both[:, width:])
        # of pairs of features: student's and student's, student's and teacher's, and so on
        gram = torch.bmm(both, both.transpose(1, 2))
        wide = gram.to(widest(gram)).square()
        own, taught, mixed = (
            part.flatten(1).sum(1)
            for part in (wide[:, :width, :width], wide[:, width:, width:], wide[:, :width, width:])
        )
        gap = (own + taught - 2 * mixed) / student.shape[2] ** 2
        ctx.save_for_backward(student, both, gram[:, :width], length, gap >= 0)
        return gap.clamp(min=0).to(student.dtype)

    @staticmethod
    @as_given
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        student, both, gram, length, rises = ctx.saved_tensors
        width = student.shape[1]
        if torch.is_grad_enabled():
            loss = _affinity_gap(student, both[:, width:])
            (slope,) = torch.autograd.grad(loss, student, grad, create_graph=True)
            return slope, None
        lever = torch.where(rises, grad, 0.0).view(-1, 1, 1) * (4 / student.shape[2] ** 2)
        slope = torch.bmm(torch.cat([gram[:, :, :width], -gram[:, :, width:]], 2) * lever, both)
        # along a vector of length one nothing changes
        unit = both[:, :width]
        slope.addcmul_(unit, torch.linalg.vecdot(slope, unit, dim=1).unsqueeze(1), value=-1)
        return slope.div_(length), None


def _write_units(maps: Tensor, out: Tensor) -> Tensor:
    """Write vectors of length one, and give their lengths (N, 1, P), as F.normalize has them."""
    # a norm over a dimension that is not the last one takes a CPU five times as long
    length = maps.square().sum(1, keepdim=True).sqrt_().clamp_(min=1e-12)
    out.copy_(maps).div_(length)
    return length


def cross_image_distillation_loss(
    student: Tensor, teacher: Tensor, *, temperature: float = 0.1, seen: Tensor | None = None
) -> Tensor:
    r"""Pixels of an image should relate to those of every image of the batch as the teacher's do.

        loss_i = mean over images j and pixels a of i of
                 KL(softmax over b of cos(t_a, t_b) / T || softmax over b of cos(s_a, s_b) / T)

    b are the pixels of j. Memory grows with the square of the pixels of the batch: pool first.

    Args:
        student: Logits or features, (N, C, *S).
        teacher: (N, D, *S); a constant of differentiation.
        temperature: T.
        seen: Images that count, (N,) bool; the others are compared with none, and cost 0.

    Returns:
        One loss per image, (N,), not negative.

    References:
        Yang et al., Cross-image relational knowledge distillation for semantic segmentation, CVPR
        2022, arXiv:2204.06986; the relations of a batch.

    Example:
        >>> student = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
        >>> teacher = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> cross_image_distillation_loss(student, teacher, temperature=1.0)  # .7311 to .2689
        tensor([0.1109])
    """
    s, t = (F.normalize(maps.flatten(2), dim=1) for maps in (student, teacher.detach()))
    log_p, log_q = (
        (torch.einsum("ica,jcb->ijab", maps, maps) / temperature).log_softmax(3) for maps in (s, t)
    )
    each = (log_q.exp() * (log_q - log_p)).sum(3)
    if not each.numel():
        return each.sum((1, 2))
    if seen is None:
        return each.mean((1, 2))
    share = seen.to(each.dtype)
    return each.mean(2) @ share / share.sum().clamp(min=1) * share


def _vectors(logits: Tensor, grid: int) -> Tensor:
    """Logits as vectors of more than one entry, pooled to a grid of few cells."""
    if logits.shape[1] == 1:
        logits = torch.cat([-logits / 2, logits / 2], 1)
    size = [min(length, grid) for length in logits.shape[2:]]
    if not logits.numel() or list(logits.shape[2:]) == size:
        return logits
    pool: dict[int, Any] = {
        1: F.adaptive_avg_pool1d,
        2: F.adaptive_avg_pool2d,
        3: F.adaptive_avg_pool3d,
    }
    pooled: Tensor = pool[len(size)](logits, size)
    return pooled


class PixelAffinityDistillationLoss(TaughtLoss):
    """Registered form of :func:`pixel_affinity_distillation_loss`, of pooled logits.

    Needs the extra input ``teacher``, and takes no ``class_weight``: classes are coordinates here.

    Args:
        grid: Most cells along an axis, to which logits are pooled.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: without the extra input ``teacher``.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> with extra_inputs(teacher=torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])):
        ...     loss = PixelAffinityDistillationLoss()
        ...     loss(torch.tensor([[[[1.0, 1.0]], [[0.0, 0.0]]]]), torch.tensor([[[0, 1]]]))
        tensor(0.5000)
    """

    formula = "mean over pairs of pixels of (cos(s_i, s_j) - cos(t_i, t_j))^2"
    paper = "Liu et al. 2019, arXiv:1903.04197; Li et al. 2023, arXiv:2302.10899"
    use_when = (
        "a larger network's structure should be learnt; beside KLDistillationLoss (extra "
        "input: teacher)"
    )
    tags = ("teacher",)

    def __init__(self, grid: int = 32, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        check_range("[1, inf)", whole=True, grid=grid)
        self.grid = grid

    def relate(self, student: Tensor, teacher: Tensor, batch: Aligned) -> Tensor:
        """Affinities of the cells of a grid."""
        pair = _vectors(student, self.grid), _vectors(teacher, self.grid)
        return pixel_affinity_distillation_loss(*pair)


class CrossImageDistillationLoss(TaughtLoss):
    """Registered form of :func:`cross_image_distillation_loss` (CIRKD), of pooled logits.

    Needs the extra input ``teacher``, and takes no ``class_weight``: classes are coordinates here.

    Args:
        temperature: T, divides the similarities.
        grid: Most cells along an axis, to which logits are pooled.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: for a ``temperature`` up to 0, or without the extra input ``teacher``.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> with extra_inputs(teacher=torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])):
        ...     loss = CrossImageDistillationLoss(temperature=1.0)
        ...     loss(torch.tensor([[[[1.0, 1.0]], [[0.0, 0.0]]]]), torch.tensor([[[0, 1]]]))
        tensor(0.1109)
    """

    formula = "mean over images and pixels of KL of softmax(cos / T) to an image's pixels"
    paper = "Yang et al. 2022, arXiv:2204.06986"
    use_when = (
        "relations across images should be learnt; beside KLDistillationLoss (extra input: teacher)"
    )
    tags = ("teacher",)

    def __init__(
        self, temperature: float = 0.1, grid: int = 16, **options: Unpack[SegOptions]
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", temperature=temperature)
        check_range("[1, inf)", whole=True, grid=grid)
        self.temperature, self.grid = temperature, grid

    def relate(self, student: Tensor, teacher: Tensor, batch: Aligned) -> Tensor:
        """Relations of the cells of a grid."""
        pair = _vectors(student, self.grid), _vectors(teacher, self.grid)
        seen = None if batch.valid is None else batch.valid.flatten(1).any(1)
        return cross_image_distillation_loss(*pair, temperature=self.temperature, seen=seen)
