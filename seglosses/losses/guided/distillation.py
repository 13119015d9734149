"""Losses against another network's predictions: a teacher's, or those of a second branch."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_map
from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.losses.classwise import CountOptions, MapLoss, OverlapLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned, activate
from seglosses.primitives.overlap import Counts, soft_counts, tversky_index

__all__ = [
    "BranchConsistencyLoss",
    "JaccardDistillationLoss",
    "KLDistillationLoss",
    "branch_consistency_loss",
    "kl_distillation_loss",
]


def kl_distillation_loss(
    logits: Tensor, teacher_logits: Tensor, *, temperature: float = 1.0
) -> Tensor:
    r"""Kullback-Leibler divergence of the student's distribution from the teacher's.

        loss = T^2 sum_c q_c (log q_c - log p_c),  p = softmax(z / T), q = softmax(teacher / T)

    Args:
        logits: The student's, (N, C, *S).
        teacher_logits: (N, C, *S); a constant of differentiation.
        temperature: T, divides the logits of both networks.

    Returns:
        One loss per pixel, (N, *S), not negative.

    References:
        Hinton et al., Distilling the knowledge in a neural network, 2015, arXiv:1503.02531; per
        pixel as in Wang et al., NeurIPS 2023, arXiv:2302.05666.

    Example:
        >>> student = torch.zeros(1, 2, 1)
        >>> teacher = torch.tensor([[[3.0], [1.0]]]).log()  # 3/4 and 1/4
        >>> kl_distillation_loss(student, teacher)  # 3/4 log 3/2 + 1/4 log 1/2
        tensor([[0.1308]])
    """
    log_p = (logits / temperature).log_softmax(1)
    log_q = (teacher_logits.detach() / temperature).log_softmax(1)
    return _divergence(log_p, log_q.exp(), log_q, temperature)


def _divergence(log_p: Tensor, q: Tensor, log_q: Tensor, temperature: float) -> Tensor:
    return temperature**2 * (q * (log_q - log_p)).sum(1)


def branch_consistency_loss(prob: Tensor, other: Tensor, *, weight: Tensor | None = None) -> Tensor:
    r"""How much two branches disagree about each class.

        loss = 1 - 2 sum min(p, q) / (sum p + sum q)

    A semimetric: zero if and only if the branches agree everywhere; both get a gradient.

    Args:
        prob: One branch's probabilities, (N, C, *S).
        other: The other's.
        weight: Weights of pixels, broadcastable to (N, 1, *S).

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 where neither branch sees the class.

    References:
        The idea of a loss on what two decoders say of one class is that of dual-path prostate
        segmentation; the Dice semimetric is that of Wang et al., arXiv:2303.16296.

    Example:
        >>> p, q = torch.tensor([[[1.0, 0.5]]]), torch.tensor([[[1.0, 0.0]]])
        >>> branch_consistency_loss(p, q)  # 1 - 2 * 1 / (1.5 + 1)
        tensor([[0.2000]])
    """
    return 1 - tversky_index(soft_counts(prob, other, weight))


def like_logits(name: str, batch: Aligned, owner: str) -> Tensor:
    """The extra input of that name in the layout and type of the batch's logits."""
    logits = batch.logits
    given = extra_map(name, owner, len(logits), tuple(logits.shape[2:]), channels=batch.channels)
    return given.to(logits.dtype)


def _prob_of(logits: Tensor, batch: Aligned) -> Tensor:
    """Another network's probabilities, zero where the batch is ignored."""
    prob = activate(logits, batch.sigmoid)
    return prob if batch.valid is None else prob.masked_fill(~batch.valid.unsqueeze(1), 0.0)


def _taught(batch: Aligned, owner: str, temperature: float) -> Aligned:
    """The batch with the teacher's probabilities for target, and logits over the temperature."""
    teacher = like_logits("teacher", batch, owner).detach() / temperature
    return batch._replace(
        logits=batch.logits / temperature, labels=None, dense=_prob_of(teacher, batch)
    )


class KLDistillationLoss(PixelLoss):
    """Registered form of :func:`kl_distillation_loss`; needs the extra input ``teacher``.

    The label only says which pixels are ignored. With ``use_sigmoid`` every channel is a binary
    problem, as in all losses of pixels.

    Args:
        temperature: T, divides the logits of both networks.
        options: See :class:`~seglosses.losses.base.PixelLoss`; ``class_weight`` scales pixels by
            the teacher's probability of the class.

    Raises:
        ValueError: for a ``temperature`` up to 0, or without the extra input ``teacher``.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> teacher = torch.tensor([[[[3.0]], [[1.0]]]]).log()  # 3/4 and 1/4, against 1/2 and 1/2
        >>> with extra_inputs(teacher=teacher):
        ...     loss = KLDistillationLoss()
        ...     loss(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # 3/4 log 3/2 + 1/4 log 1/2
        tensor(0.1308)
    """

    formula = "T^2 KL(softmax(teacher / T) || softmax(z / T)) per pixel"
    paper = "Hinton et al. 2015, arXiv:1503.02531"
    use_when = "a larger trained network is available (extra input: teacher)"
    tags = ("teacher",)
    needs = ("teacher",)

    def __init__(self, temperature: float = 1.0, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", temperature=temperature)
        self.temperature = temperature

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Divergence from dense targets; their logarithm is bounded where they vanish."""
        log_q = target.clamp(min=torch.finfo(target.dtype).tiny).log()
        return _divergence(logits.log_softmax(1), target, log_q, self.temperature)

    def prepare(self, batch: Aligned) -> Aligned:
        """Take the teacher's probabilities for target."""
        return _taught(batch, type(self).__name__, self.temperature)


class JaccardDistillationLoss(OverlapLoss):
    """Jaccard or Dice (semi)metric between student and teacher; needs the extra input ``teacher``.

    The teacher's probabilities are the soft label of
    :func:`~seglosses.losses.jaccard_metric_loss`, which vanishes exactly when the student
    equals them; all classes count. The label only says which pixels are ignored.

    Args:
        alpha: Price of a false positive: 1 for Jaccard (JML), 1/2 for Dice (DML).
        beta: Price of a false negative.
        smooth: Added above and below, in pixels.
        temperature: Divides both networks' logits.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`; ``average='dataset'`` by
            default.

    Raises:
        ValueError: for a ``temperature`` up to 0, or without the extra input ``teacher``.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> teacher = torch.tensor([[[[3.0]], [[1.0]]]]).log()  # 3/4 and 1/4, against 1/2 and 1/2
        >>> with extra_inputs(teacher=teacher):
        ...     loss = JaccardDistillationLoss(smooth=0.0)
        ...     loss(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # (1/4 / 3/4 + 1/4 / 1/2) / 2
        tensor(0.4167)
    """

    formula = "1 - (TP + s) / (TP + alpha FP + beta FN + s) against the teacher's probabilities"
    paper = "Wang et al. 2023, arXiv:2302.05666, arXiv:2303.16296"
    use_when = "distillation scored by IoU or Dice; beside KL (extra input: teacher)"
    tags = ("teacher",)
    needs = ("teacher",)
    default_average = "dataset"

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 1.0,
        smooth: float = 1e-3,
        temperature: float = 1.0,
        **options: Unpack[CountOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha, beta=beta, smooth=smooth)
        check_range("(0, inf)", temperature=temperature)
        self.alpha, self.beta, self.smooth = alpha, beta, smooth
        self.temperature = temperature

    def compute(self, counts: Counts) -> Tensor:
        """One minus the Tversky index."""
        return 1 - tversky_index(counts, alpha=self.alpha, beta=self.beta, smooth=self.smooth)

    def prepare(self, batch: Aligned) -> Aligned:
        """Take the teacher's probabilities for target."""
        return _taught(batch, type(self).__name__, self.temperature)


class BranchConsistencyLoss(MapLoss):
    """Registered form of :func:`branch_consistency_loss`; needs the extra input ``second_logits``.

    The label only says which pixels are ignored; ``classes`` says about which classes the
    branches should agree.

    Args:
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: without the extra input ``second_logits``.

    Example:
        >>> import torch
        >>> from seglosses.extra_inputs import extra_inputs
        >>> with extra_inputs(second_logits=torch.tensor([[[[99.0, -99.0]]]])):
        ...     loss = BranchConsistencyLoss()  # 1, 1/2 and 1, 0: 1 - 2 * 1 / (1.5 + 1)
        ...     loss(torch.tensor([[[[99.0, 0.0]]]]), torch.tensor([[[0, 0]]]))
        tensor(0.2000)
    """

    formula = "1 - 2 sum min(p, q) / (sum p + sum q), p and q of two branches"
    paper = "dual-path prostate segmentation; semimetric of Wang et al. 2023, arXiv:2303.16296"
    use_when = "two decoders predict the same class (extra input: second_logits)"
    tags = ("unlabelled",)
    needs = ("second_logits",)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the soft Dice of the branches; ``target`` is the second one."""
        return branch_consistency_loss(prob, target, weight=mask)

    def prepare(self, batch: Aligned) -> Aligned:
        """Take the second branch's probabilities for target."""
        second = like_logits("second_logits", batch, type(self).__name__)
        return batch._replace(labels=None, dense=_prob_of(second, batch))
