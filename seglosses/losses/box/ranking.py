"""Rank losses of detectors: objects above background, good boxes above bad ones.

Memory is linear in the boxes, and nothing is put into buckets.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.box.rank_errors import ranked
from seglosses.losses.box.scores import QualityLoss
from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import Target
from seglosses.primitives.checks import check_range

__all__ = ["ALRPLoss", "RankSortLoss", "alrp_loss", "rank_sort_loss"]


def rank_sort_loss(logits: Tensor, quality: Tensor, *, delta: float = 0.5) -> Tensor:
    r"""Rank and sort loss: objects above background, and sorted by the quality of their boxes.

        ranking_i = FP_i / rank_i,   sorting_i = mean of 1 - q above i - the same of better boxes
        loss_i    = ranking_i + sorting_i

    with FP_i the background above object i, rank_i all above it, in soft steps of width 2 delta.

    Args:
        logits: (n, C).
        quality: (n, C) in [0, 1], zero for other classes and background.
        delta: Half the width of a step; 0 for a hard one.

    Returns:
        (n, C), zero but at objects; its mean over objects is the published loss. The gradient is
        the published update, not a derivative: each error is taken off its object and laid on what
        is wrongly above it.

    References:
        Oksuz et al., Rank and Sort Loss, ICCV 2021, arXiv:2107.11669; equal to
        kemaloksuz/RankSortLoss (b41f64d), value and update. Its memory is linear too, one object
        at a time; bucketed ranking (Yavuz et al., ECCV 2024, arXiv:2407.14204) approximates what
        is summed exactly here.

    Example:
        >>> import torch
        >>> logits, quality = torch.tensor([[2.0], [0.0], [1.0]]), torch.tensor([[0.5], [0.9], [0]])
        >>> # above the second: itself (a half step), the first, and the background
        >>> rank_sort_loss(logits, quality, delta=0.5)
        tensor([[0.0000],
                [0.6667],
                [0.0000]])
    """
    return ranked("rank sort", logits, quality, delta)


def alrp_loss(logits: Tensor, quality: Tensor, *, delta: float = 1.0) -> Tensor:
    r"""Average localisation recall precision: false positives and bad boxes above an object.

        loss_i = (FP_i + sum of 1 - q above i, and its own) / rank_i

    Args:
        logits: (n, C).
        quality: (n, C) in [0, 1], zero for other classes and background.
        delta: Half the width of a step; 0 for a hard one.

    Returns:
        (n, C), zero but at objects; its mean over objects is aLRP. The gradient is the published
        update of the scores; that of boxes comes from the box loss beside it.

    References:
        Oksuz et al., A Ranking-based, Balanced Loss Function Unifying Classification and
        Localisation in Object Detection, NeurIPS 2020, arXiv:2009.13592; the update equals
        kemaloksuz/RankSortLoss (b41f64d) with regression losses of 1 - q, whose value leaves the
        quality out.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[5.0], [0.0], [2.5]])
        >>> quality = torch.tensor([[0.5], [0.75], [0]])
        >>> # (0 + 1/2) / 1, and (1 + 1/2 + 1/4) / 3
        >>> alrp_loss(logits, quality)
        tensor([[0.5000],
                [0.5833],
                [0.0000]])
    """
    return ranked("aLRP", logits, quality, delta)


class _RankLoss(QualityLoss):
    """Scores of rows are compared with one another, so rows of weight zero must leave the order.

    Args:
        delta: Half the width of a step.
        options: See :class:`~seglosses.losses.box.scores.QualityLoss`.
    """

    of_pairs = True
    tags = ("detection", "quality", "imbalance")
    default_delta: ClassVar[float]

    def __init__(
        self,
        use_sigmoid: bool = True,
        delta: float | None = None,
        activated: bool = False,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(use_sigmoid, activated, **options)
        self.delta = self.default_delta if delta is None else delta
        check_range("[0, inf)", delta=self.delta)

    def without(self, gone: Tensor, pred: Tensor, target: Target) -> tuple[Tensor, Target]:
        """Such rows as background below everything, where nothing is pushed."""
        pred, target = super().without(gone, pred, target)
        if isinstance(target, Tensor) and not target.is_floating_point():
            target = target.masked_fill(gone, pred.shape[1])
        lowest = 0.0 if self.activated else -1e4
        return pred.masked_fill(gone.unsqueeze(1), lowest), target


class RankSortLoss(_RankLoss):
    """Objects above background, and sorted by the quality of their boxes.

    With ``avg_factor`` the number of objects, 'mean' is the published loss, without it a mean over
    rows.

    Args:
        delta: Half the width of a step.
        options: See :class:`~seglosses.losses.box.scores.QualityLoss`.

    Raises:
        ValueError: for ``use_sigmoid=False``, and targets that do not fit the logits.

    Example:
        >>> import torch
        >>> labels = torch.tensor([0, 1])  # the second is background, and scores as high
        >>> RankSortLoss()(torch.zeros(2, 1), labels, avg_factor=1)  # 1/2 of 1/2 + 1/2
        tensor(0.5000)
    """

    formula = "mean over objects of FP_i / rank_i + sorting error_i, steps of width 2 delta"
    paper = "Oksuz et al. 2021, arXiv:2107.11669"
    use_when = "background outnumbers objects; one ranking loss in place of weighted scores"
    default_delta = 0.5

    def compute(self, logits: Tensor, quality: Tensor, positive: Tensor) -> Tensor:
        """See :func:`rank_sort_loss`."""
        return rank_sort_loss(logits, quality, delta=self.delta)


class ALRPLoss(_RankLoss):
    """False positives and bad boxes above an object.

    With ``avg_factor`` the number of objects, 'mean' is aLRP, without it a mean over rows.

    Args:
        delta: Half the width of a step.
        options: See :class:`~seglosses.losses.box.scores.QualityLoss`.

    Raises:
        ValueError: for ``use_sigmoid=False``, and targets that do not fit the logits.

    Example:
        >>> import torch
        >>> labels = torch.tensor([0, 1])  # the second is background, and scores as high
        >>> ALRPLoss()(torch.zeros(2, 1), labels, avg_factor=1)  # 1/2 of 1 + 1/2
        tensor(0.3333)
    """

    formula = "mean over objects of (FP_i + sum of 1 - q above i) / rank_i"
    paper = "Oksuz et al. 2020, arXiv:2009.13592"
    use_when = "scores should rank boxes as LRP and AP do; beside a box loss"
    default_delta = 1.0

    def compute(self, logits: Tensor, quality: Tensor, positive: Tensor) -> Tensor:
        """See :func:`alrp_loss`."""
        return alrp_loss(logits, quality, delta=self.delta)
