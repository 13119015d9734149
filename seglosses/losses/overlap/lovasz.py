"""Lovász losses: the convex surrogate of IoU, exact."""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.losses.overlap.sorted_errors import SortedErrorsLoss, extensions
from seglosses.primitives.encoding import activate

__all__ = [
    "LovaszHingeLoss",
    "LovaszSoftmaxLoss",
    "lovasz_hinge_loss",
    "lovasz_softmax_loss",
]


def lovasz_softmax_loss(prob: Tensor, target: Tensor) -> Tensor:
    r"""Lovász-softmax loss of hard labels.

        m_i = |y_i - p_i|, sorted: loss = sum_k m_(k) (J_k - J_{k-1})

    J is the Jaccard loss when the k most wrong pixels are wrong, so that one-hot predictions cost
    exactly 1 - IoU.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot labels, (N, C, *S).

    Returns:
        One loss per image and class, (N, C), in [0, 1]; the largest error where the class is
        absent.

    References:
        Berman et al., The Lovász-Softmax loss, CVPR 2018, arXiv:1705.08790.

    Example:
        >>> prob = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
        >>> target = torch.tensor([[[1.0, 0.0, 1.0, 0.0]]])
        >>> lovasz_softmax_loss(prob, target)  # 1 - IoU = 1 - 1/3
        tensor([[0.6667]])
    """
    return extensions(_distances(prob, target)[0], target)


def lovasz_hinge_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Lovász hinge of foreground logits and hard labels.

        m_i = max(0, 1 - z_i (2 y_i - 1)), sorted: loss = sum_k m_(k) (J_k - J_{k-1})

    Args:
        logits: Foreground logits, (N, C, *S).
        target: Labels in {0, 1}, (N, C, *S).

    Returns:
        One loss per image and class, (N, C), at least 0; max(0, 1 + max z) where the class is
        absent.

    References:
        Yu and Blaschko, The Lovász hinge, 2015, arXiv:1512.07797; Berman et al., CVPR 2018,
        arXiv:1705.08790.

    Example:
        >>> lovasz_hinge_loss(torch.tensor([[[3.0, 0.5]]]), torch.tensor([[[1.0, 0.0]]]))  # 1.5 / 2
        tensor([[0.7500]])
    """
    return extensions(_hinges(logits, target)[0], target)


def _distances(prob: Tensor, foreground: Tensor) -> tuple[Tensor, Tensor]:
    """|y - p| of y in {0, 1}, fresh, and its slope by p."""
    slope = torch.sub(1, foreground, alpha=2)
    # rounding can lift a probability above 1
    return (prob * slope).add_(foreground).clamp_(min=0), slope


def _hinges(logits: Tensor, foreground: Tensor) -> tuple[Tensor, Tensor]:
    """max(0, 1 - z (2 y - 1)) of y in {0, 1}, fresh, and its slope by z where it is not 0."""
    slope = torch.sub(1, foreground, alpha=2)
    return (logits * slope).add_(1).clamp_(min=0), slope


class LovaszSoftmaxLoss(SortedErrorsLoss):
    """Registered form of :func:`lovasz_softmax_loss`, for hard labels.

    Args:
        average: 'dataset' takes the batch as one image (the authors' default), 'image' each alone.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`; ``classes`` as in
            :class:`~seglosses.losses.classwise.OverlapLoss`. With ``use_sigmoid`` or one channel
            the probabilities are sigmoids.

    Raises:
        ValueError: for soft targets, and an ``average`` that does not exist.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[0, 1]]])  # each error is 1/2, and the steps of J add up to 1
        >>> LovaszSoftmaxLoss()(torch.zeros(1, 2, 1, 2), labels)
        tensor(0.5000)
    """

    formula = "sum_k m_(k) (J_k - J_{k-1}), m = |y - p| sorted"
    paper = "Berman et al. 2018, arXiv:1705.08790"
    use_when = "fine-tuning for mIoU, after or beside cross-entropy"
    tags = ("score",)
    default_average = "dataset"

    def _scores(self, logits: Tensor, sigmoid: bool) -> Tensor:
        return activate(logits, sigmoid)

    def _errors(self, score: Tensor, foreground: Tensor) -> tuple[Tensor, Tensor]:
        return _distances(score, foreground)

    def _by_logits(self, grad: Tensor, scores: Tensor, sigmoid: bool) -> Tensor:
        if sigmoid:
            return grad.mul_(scores).mul_(1 - scores)
        mean = torch.zeros_like(scores[:, 0])
        for c in range(scores.shape[1]):
            mean.addcmul_(grad[:, c], scores[:, c])
        return grad.sub_(mean.unsqueeze(1)).mul_(scores)


class LovaszHingeLoss(SortedErrorsLoss):
    """Registered form of :func:`lovasz_hinge_loss`, for hard labels.

    Every channel is a foreground logit against the rest, whatever ``use_sigmoid`` says.

    Args:
        average: 'image' takes each image alone (the authors' default), 'dataset' the batch as one.
        options: See :class:`LovaszSoftmaxLoss`.

    Raises:
        ValueError: for soft targets, and an ``average`` that does not exist.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[3.0, 0.5]]]])  # errors 0 and 1.5; J = 1/2 with one error
        >>> LovaszHingeLoss()(logits, torch.tensor([[[1, 0]]]))  # 1.5 / 2
        tensor(0.7500)
    """

    formula = "sum_k m_(k) (J_k - J_{k-1}), m = max(0, 1 - z (2y - 1)) sorted"
    paper = "Yu and Blaschko 2015, arXiv:1512.07797; Berman et al. 2018"
    use_when = "fine-tuning a single foreground class for IoU; margins do not saturate"
    tags = ("score",)
    independent_channels = True
    default_average = "image"

    def _scores(self, logits: Tensor, sigmoid: bool) -> Tensor:
        return logits

    def _errors(self, score: Tensor, foreground: Tensor) -> tuple[Tensor, Tensor]:
        return _hinges(score, foreground)

    def _by_logits(self, grad: Tensor, scores: Tensor, sigmoid: bool) -> Tensor:
        return grad
