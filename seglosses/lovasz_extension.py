"""The Lovász extension of the Jaccard loss: sorted errors times what each adds to 1 - IoU."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_LARGEST = 0x7FFFFFFF


def jaccard_increments(foreground: Tensor, weight: Tensor | None = None) -> Tensor:
    r"""How much each pixel adds to the Jaccard loss when pixels turn wrong one after another.

        J_k = 1 - (G - sum_{i<=k} f_i) / (G + sum_{i<=k} (1 - f_i)),  increment_k = J_k - J_{k-1}

    G is all foreground. The differences are taken in closed form, 1 / U_k for foreground and
    I_k / (U_{k-1} U_k) for background, so that nothing cancels. Without foreground the first pixel
    adds 1 and the others nothing.

    Args:
        foreground: Boolean (P,), the most wrong pixel first.
        weight: Weights of pixels (P,); a pixel of weight 0 adds nothing.

    Returns:
        (P,) float32, in the dtype of the weight where there is one.

    References:
        Berman et al., The Lovász-Softmax loss, CVPR 2018, arXiv:1705.08790.

    Example:
        >>> jaccard_increments(torch.tensor([True, False, True]))  # 1/2, 1/(2*3), 1/3
        tensor([0.5000, 0.1667, 0.3333])
    """
    if weight is not None:
        return _weighted_increments(foreground, weight.double()).to(weight.dtype)
    hits = foreground.cumsum(0, dtype=torch.int32)
    total = hits[-1:].clone()
    places = torch.arange(1, len(hits) + 1, dtype=torch.int32, device=hits.device)
    union = places.sub_(hits).add_(total).float()
    left = hits.neg_().add_(total).float()
    share = left.div_((union - 1).clamp_(min=1)).masked_fill_(foreground, 1.0)
    increments = share.div_(union)
    increments[:1] += total == 0
    return increments


def _weighted_increments(foreground: Tensor, weight: Tensor) -> Tensor:
    hits = torch.where(foreground, weight, 0.0).cumsum(0)
    seen = weight.cumsum(0)
    total = hits[-1:]
    union = total + seen - hits
    share = torch.where(foreground, 1.0, (total - hits) / (union - weight))
    first = (seen == weight) & (weight > 0)
    return torch.where(total > 0, share * weight / union, first.double())


class _Ranked(NamedTuple):
    errors: Tensor  #: (P,), descending
    foreground: Tensor  #: (P,), bool
    order: Tensor  #: (P,), where each was


def _descending(errors: Tensor, foreground: Tensor) -> _Ranked:
    """Sort errors that are at least 0, carrying foreground and place along.

    Bits of such floats are ordered as integers, so that error, place and foreground fit in one key.
    Sorting keys alone is several times faster than sorting floats with their places, most of all by
    the vector instructions behind an array's own sort.
    """
    if errors.dtype != torch.float32:
        values, order = errors.sort(descending=True)
        return _Ranked(values, foreground[order], order)
    places = torch.arange(0, 2 * len(errors), 2, device=errors.device)
    key = (_LARGEST - errors.view(torch.int32)).long()
    key.bitwise_left_shift_(32).add_(places).add_(foreground)
    if key.device.type == "cpu":
        key.numpy().sort()
    else:
        key = key.sort().values
    # the lower half first: every platform that torch runs on is little-endian
    lower, upper = key.view(torch.int32).view(-1, 2).unbind(1)
    values = (_LARGEST - upper).view(torch.float32)
    return _Ranked(values, (lower & 1).bool(), (lower >> 1).long())


def lovasz_extension(
    errors: Tensor, foreground: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Value of the extension and its slope at each error, without a graph.

    Args:
        errors: (P,), at least 0, of at most 2^30 pixels.
        foreground: Boolean (P,).
        weight: Weights of pixels (P,).

    Returns:
        A scalar and (P,). The slope is 0 where the error is.

    Example:
        >>> lovasz_extension(torch.tensor([0.0, 1.0, 0.5]), torch.tensor([True, False, True]))
        (tensor(0.5000), tensor([0.0000, 0.3333, 0.3333]))
    """
    if not len(errors):
        return errors.sum(), errors
    ranked = _descending(errors.contiguous(), foreground)
    increments = jaccard_increments(
        ranked.foreground, None if weight is None else weight[ranked.order]
    ).to(errors.dtype)
    # where nothing is wrong a slope of zero is as good as any, and lets right pixels rest
    increments.masked_fill_(ranked.errors == 0, 0.0)
    slope = torch.empty_like(increments).scatter_(0, ranked.order, increments)
    return ranked.errors.mul_(increments).sum(), slope
