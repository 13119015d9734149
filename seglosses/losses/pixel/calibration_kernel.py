"""Calibration error without bins as a loss: confidence against accuracy at that confidence."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import SegOptions
from seglosses.losses.classes import ClassLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned, one_hot
from seglosses.primitives.first_order import apply_by_hand, first_order, refuse_transforms
from seglosses.primitives.layout import flat_labels, flat_maps
from seglosses.primitives.reduction import Asked, average_classes
from seglosses.primitives.sampling import spread_places

__all__ = [
    "KernelCalibrationLoss",
    "kernel_calibration_loss",
]

# the Beta kernel has no finite logarithm at 0 and 1
_EDGE = 1e-6
# pairs that are compared at a time: what a processor's cache holds, elsewhere 64 MiB of float32
_PAIRS, _PAIRS_ELSEWHERE = 2**18, 2**24


def kernel_calibration_loss(
    score: Tensor, target: Tensor, *, bandwidth: float = 0.05, weight: Tensor | None = None
) -> Tensor:
    r"""Calibration error of each score: a Beta kernel estimates the target that the others have.

        loss_i = |m_i - s_i|,   m_i = sum_{j != i} k_ij t_j / sum_{j != i} k_ij

    k_ij is the Beta density at s_i with parameters s_j / h + 1 and (1 - s_j) / h + 1, where h is
    the bandwidth and scores count as at least 1e-6 and at most 1 - 1e-6. The mean is the error,
    :func:`seglosses.metrics.detection_calibration.kernel_ece` in numpy. All pairs are compared,
    some rows at a time and again in backward, so that time grows with n^2 and memory with n. There
    is no second derivative.

    Differences from the published code: targets are averaged as they are and not by logarithms,
    whose gradient is not a number where all are 0; and there is no search for the bandwidth, for
    that code's normalises a normalised kernel again and so prefers the smallest candidate.

    Args:
        score: s in [0, 1], (n,), for example the scores of detections or of predicted classes.
        target: t in [0, 1], (n,): whether the prediction is right, or the IoU that it reaches. It
            gets a gradient if it asks for one.
        bandwidth: h; smaller follows the data more closely, and is noisier.
        weight: How much each counts for the others, (n,), at least 0; a constant of
            differentiation.

    Returns:
        One loss per score, (n,), in [0, 1]; float32, or float64 for such scores. A score without
        others has nothing to be compared with and costs 0.

    Raises:
        ValueError: for shapes that differ, a bandwidth that is not positive, or, on the CPU,
            scores outside of [0, 1].

    References:
        Popordanoska et al., A consistent and differentiable Lp canonical calibration error
        estimator, NeurIPS 2022, arXiv:2210.07810; for detections WACV 2024, arXiv:2312.06645.

    Example:
        Three detections of the same score weigh the same for each other; one has no object.

        >>> score, iou = torch.full((3,), 0.5), torch.tensor([0.8, 0.6, 0.0])
        >>> kernel_calibration_loss(score, iou)  # |.3 - .5|, |.4 - .5|, |.7 - .5|
        tensor([0.2000, 0.1000, 0.2000])
    """
    _check(score, target, weight, bandwidth)
    return _errors(score, target, weight, bandwidth)


def _errors(score: Tensor, target: Tensor, weight: Tensor | None, bandwidth: float) -> Tensor:
    """The same of scores that are known to lie in [0, 1], or to be NaN."""
    with torch.autocast(score.device.type, enabled=False):
        s = score if score.dtype == torch.float64 else score.float()
        inside = s.clamp(_EDGE, 1 - _EDGE)
        share, rest = inside / bandwidth, (1 - inside) / bandwidth
        # log k_ij = logit(s_i) share_j - height_j, up to what all j have in common
        height = torch.lgamma(share + 1) + torch.lgamma(rest + 1)
        others = s.new_full(s.shape, s.shape[0] - 1)
        if weight is not None:
            constant = weight.detach().to(s.dtype)
            height = height - constant.log()
            others = (constant > 0).sum() - (constant > 0).to(s.dtype)
        estimate: Tensor = apply_by_hand(
            _OthersMean, inside.logit(), share, height, target.to(s.dtype)
        )
        return torch.where(others > 0, (estimate - s).abs(), 0.0)


def _check(score: Tensor, target: Tensor, weight: Tensor | None, bandwidth: float) -> None:
    check_range("(0, inf)", remedy="0.05 is usual", bandwidth=bandwidth)
    for name, other in (("target", target), ("weight", weight)):
        if score.dim() != 1 or (other is not None and other.shape != score.shape):
            given = None if other is None else tuple(other.shape)
            raise ValueError(
                f"expected scores (n,) and a {name} for each, got {tuple(score.shape)} and {given};"
                " pick one score per detection, or flatten them"
            )
    # elsewhere the check would cost a synchronisation
    if at_hand(score) and not bool(((score >= 0) & (score <= 1)).all()):
        raise ValueError(
            f"scores must be in [0, 1], got {score.min().item():g} to {score.max().item():g}; pass"
            " probabilities, not logits"
        )


class _OthersMean(torch.autograd.Function):
    """Mean of t_j over j != i by weights exp(x_i a_j - c_j), (n,); 0 where there is no other."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, a: Tensor, c: Tensor, t: Tensor) -> Tensor:
        mean, log_total = torch.empty_like(x), torch.empty_like(x)
        for rows in _rows(x):
            kernel = _log_kernel(x, a, c, rows)
            peak = kernel.amax(1, keepdim=True).clamp_(min=torch.finfo(x.dtype).min)
            kernel.sub_(peak).exp_()
            # the largest is 1, so that only what has no others divides by this 1
            total = kernel.sum(1).clamp_(min=1.0)
            mean[rows] = (kernel @ t).div_(total)
            log_total[rows] = total.log_().add_(peak.squeeze(1))
        ctx.save_for_backward(x, a, c, t, mean, log_total)
        return mean

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, a, c, t, mean, log_total = ctx.saved_tensors
        by_x, by_a, by_c, by_t = (torch.zeros_like(x) for _ in range(4))
        for rows in _rows(x):
            share = _log_kernel(x, a, c, rows).sub_(log_total[rows].unsqueeze(1)).exp_()
            by_t += grad[rows] @ share
            slope = share.mul_(t - mean[rows].unsqueeze(1)).mul_(grad[rows].unsqueeze(1))
            by_x[rows] = slope @ a
            by_a += x[rows] @ slope
            by_c -= slope.sum(0)
        return by_x, by_a, by_c, by_t


def _rows(x: Tensor) -> list[slice]:
    size, n = _PAIRS if at_hand(x) else _PAIRS_ELSEWHERE, x.shape[0]
    step = max(1, size // max(n, 1))
    # a range over their number, not by their length, of which a compiler would make one graph each
    bounds = [*(part * step for part in range(-(-n // step))), n]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def _log_kernel(x: Tensor, a: Tensor, c: Tensor, rows: slice) -> Tensor:
    log = x[rows].unsqueeze(1) * a
    # not diagonal(rows.start), of which a compiler would make one graph each
    log.sub_(c)[:, rows].diagonal().fill_(-torch.inf)
    return log


class KernelCalibrationLoss(ClassLoss):
    """Registered form of :func:`kernel_calibration_loss`: is the predicted class as often right?

    The score of a pixel is the probability of its predicted class, its target whether that is the
    label, or under a dense target the label's probability of that class. With ``use_sigmoid`` every
    channel is a problem of yes or no, whose scores are at least 1/2, and their losses are averaged.
    It moves confidences and knows no classes, so that it belongs beside cross-entropy.

    Time grows with the square of the pixels, so that a sample of them is compared: the middles of
    equally long parts of all that count, in the order of memory, the same in every call. 2003 of
    them take about as long as a cross-entropy of 19 classes at 512 x 512, and their error spreads
    by less than 0.01 from sample to sample. That is a prime number, so that the sample does not
    stand in columns: 2000 pixels of a 500 x 500 image would lie in four. Fewer pixels than that are
    all compared.

    Args:
        bandwidth: Width of the Beta kernel; scores further apart hardly see each other.
        samples: Most pixels that are compared with each other.
        average: 'dataset' takes the batch as one image, 'image' each alone. Rows (n, C) of a
            classification head are images of one pixel, which alone have nothing to be compared
            with.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`. Weights of pixels count in
            the estimate and in the mean, and pixels of weight 0 not at all; with 'dataset' those of
            images are weights of their pixels. ``class_weight`` scales the loss of the pixels of
            its label, or of its channel with ``use_sigmoid``.

    Raises:
        ValueError: for an ``average`` that does not exist, fewer than two samples, a bandwidth that
            is not positive, ``classes``, and an ``avg_factor`` without ``average='image'``.

    Example:
        Three pixels of confidence 3/4, of which two are right: these see one of two right, the
        third two of two.

        >>> import torch
        >>> logits = torch.tensor([[[3.0, 3.0, 3.0]], [[1.0, 1.0, 1.0]]]).log().unsqueeze(0)
        >>> KernelCalibrationLoss()(logits, torch.tensor([[[0, 0, 1]]]))  # 1/4 each
        tensor(0.2500)
    """

    formula = "mean_i |m_i - s_i|, m_i = sum_{j != i} k_ij t_j / sum_{j != i} k_ij"
    paper = "Popordanoska et al. 2022, arXiv:2210.07810"
    use_when = "80 % confidence should mean 80 % right; beside CE"
    tags = ("calibration",)
    no_classes = "asks about the predicted class, whichever that is"

    def __init__(
        self,
        bandwidth: float = 0.05,
        samples: int = 2003,
        average: str = "dataset",
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", remedy="0.05 is usual", bandwidth=bandwidth)
        check_range("[2, inf)", whole=True, samples=samples)
        if average not in ("image", "dataset"):
            raise ValueError(f"average must be 'image' or 'dataset', got {average!r}")
        self.bandwidth, self.samples, self.average = bandwidth, samples, average

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over pixels that are compared with each other."""
        refuse_transforms()
        self._refuse_per_pixel(asked, batch)
        pooled = self.average == "dataset" and not (batch.masks and asked.reduction == "none")
        if pooled:
            self._refuse_avg_factor(asked)
        like = flat_maps(batch.logits)[:, 0]
        weight = batch.mask()
        weight = torch.ones_like(like) if weight is None else weight.reshape(like.shape)
        if pooled and batch.row_weight is not None:
            weight = weight * batch.row_weight.unsqueeze(1)
        if pooled:
            weight = weight.reshape(1, -1)
        places, count = spread_places(weight > 0, self.samples, middles=True)
        real = torch.arange(places.shape[1], device=places.device) < count
        share = torch.where(real, weight.gather(1, places), 0.0)
        if pooled:
            pixels = max(like.shape[1], 1)
            error = self._error(batch, places[0] // pixels, places[0] % pixels, share[0])
            return average_classes(error).sum()
        images = [
            self._error(batch, torch.full_like(places[i], i), places[i], share[i])
            for i in range(len(like))
        ]
        loss = torch.cat(images) if images else like * 0
        return self._mean(loss, None, None, batch, asked)

    def _error(self, batch: Aligned, image: Tensor, pixel: Tensor, share: Tensor) -> Tensor:
        """Loss of pixels (n,) of images by their weights, (1, C), or (1, 1) under softmax."""
        logits = flat_maps(batch.logits)[image, :, pixel]
        if batch.labels is not None:
            label = flat_labels(batch.labels)[image, pixel]
            target = one_hot(label, batch.channels, dtype=logits.dtype)
        else:
            assert batch.dense is not None
            target = flat_maps(batch.dense)[image, :, pixel]
        factor = None if self.class_weight is None else self.class_weight.to(logits.dtype)
        if batch.sigmoid:
            scores = torch.stack([-logits, logits], 2) / 2
            answers = torch.stack([1 - target, target], 2)
        else:
            scores, answers = logits.unsqueeze(1), target.unsqueeze(1)
            factor = None if factor is None else (target @ factor).unsqueeze(1)
        confidence, guess = scores.softmax(2).max(2)
        right = answers.gather(2, guess.unsqueeze(2)).squeeze(2)
        # rounding can lift a probability above 1
        error = torch.stack(
            [
                _errors(s, t, share, self.bandwidth)
                for s, t in zip(confidence.clamp(max=1.0).unbind(1), right.unbind(1), strict=True)
            ],
            1,
        )
        error = error if factor is None else error * factor
        total = share.sum()
        return (share @ error).div(torch.where(total > 0, total, 1.0)).unsqueeze(0)
