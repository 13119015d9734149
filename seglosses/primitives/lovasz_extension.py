"""The Lovász extension of the Jaccard loss: sorted errors times what each adds to 1 - IoU."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives.device import at_hand, widest


def jaccard_increments(
    foreground: Tensor,
    weight: Tensor | None = None,
    total: Tensor | None = None,
    *,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""How much each pixel adds to the Jaccard loss when pixels turn wrong one after another.

        J_k = 1 - (G - sum_{i<=k} f_i) / (G + sum_{i<=k} (1 - f_i)),  increment_k = J_k - J_{k-1}

    G is all foreground. The differences are taken in closed form, 1 / U_k for foreground and
    I_k / (U_{k-1} U_k) for background, so that nothing cancels. Without foreground the first pixel
    adds 1 and the others nothing.

    Args:
        foreground: Zeros and ones (..., P), the most wrong pixel first.
        weight: Weights of pixels (..., P); a pixel of weight 0 adds nothing.
        total: G, a scalar, or (..., 1); by default that of the pixels given, after which all are
            right.
        dtype: Of the increments.

    Returns:
        (..., P).

    References:
        Berman et al., The Lovász-Softmax loss, CVPR 2018, arXiv:1705.08790.

    Example:
        >>> jaccard_increments(torch.tensor([True, False, True]))  # 1/2, 1/(2*3), 1/3
        tensor([0.5000, 0.1667, 0.3333])
    """
    if weight is not None:
        return _weighted_increments(foreground > 0, weight.to(widest(weight)), total).to(dtype)
    # counts stay integers as long as they are subtracted: float32 is exact to 2^24 pixels alone
    hits = foreground.cumsum(-1, dtype=torch.int32)
    left = (hits[..., -1:] if total is None else total) - hits
    places = torch.arange(hits.shape[-1], dtype=torch.int32, device=hits.device)
    before = (left + places).to(dtype)
    # at most 1 for background, for I_k <= U_{k-1}; the first adds 1 / U_1 whatever it is
    share = (left / before).add_(foreground).clamp_(max=1)
    share[..., :1].fill_(1)
    return share.div_(before.add_(1))


def _weighted_increments(foreground: Tensor, weight: Tensor, total: Tensor | None) -> Tensor:
    hits = torch.where(foreground, weight, 0.0).cumsum(-1)
    seen = weight.cumsum(-1)
    total = hits[..., -1:] if total is None else total
    union = total + seen - hits
    share = torch.where(foreground, 1.0, (total - hits) / (union - weight))
    first = (seen == weight) & (weight > 0)
    return torch.where(total > 0, share * weight / union, first.to(weight.dtype))


def _most_wrong_first(errors: Tensor, hot: Tensor) -> tuple[Tensor, Tensor]:
    """Places of errors, descending, and the foreground there, of positive errors only.

    Bits of floats that are at least 0 are ordered as integers, so that error, place and foreground
    fit in one key. Sorting keys alone is several times faster than sorting floats with their
    places, most of all by the vector instructions behind an array's own sort.
    """
    wrong = errors.numpy() > 0
    count = int(np.count_nonzero(wrong))
    if errors.dtype != torch.float32:
        order = errors.argsort(descending=True)[:count]
        return order, hot[order]
    if 2 * count < len(errors):
        # few are wrong late in a training; of more, to pick them takes longer than to sort the rest
        few = torch.from_numpy(np.flatnonzero(wrong))
        errors, hot, places = errors[few], hot[few], few.int()
    else:
        places = torch.arange(len(errors), dtype=torch.int32, device=errors.device)
    low = places.bitwise_left_shift_(1).bitwise_or_(hot)
    key = errors.view(torch.int32).bitwise_not().long()
    key.bitwise_left_shift_(32).bitwise_or_(low.long())
    key.numpy().sort()
    low = key[:count].int()  # the lower half
    ranked = low & 1
    return low.bitwise_right_shift_(1).long(), ranked


def lovasz_extension(
    errors: Tensor, foreground: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Values of extensions and their slope at each error, without a graph.

    Args:
        errors: (..., P), at least 0, of at most 2^30 pixels.
        foreground: Zeros and ones (..., P).
        weight: Weights of pixels (..., P).

    Returns:
        (...) and (..., P). The slope is 0 where the error is.

    Example:
        >>> lovasz_extension(torch.tensor([0.0, 1.0, 0.5]), torch.tensor([True, False, True]))
        (tensor(0.5000), tensor([0.0000, 0.3333, 0.3333]))
    """
    if not errors.numel():
        return errors.sum(-1), errors
    if not at_hand(errors):
        return _extensions_at_once(errors.detach(), foreground, weight)
    if errors.dim() > 1:
        rows = [
            lovasz_extension(errors[i], foreground[i], None if weight is None else weight[i])
            for i in range(len(errors))
        ]
        return torch.stack([value for value, _ in rows]), torch.stack([step for _, step in rows])
    hot = foreground.int()
    order, ranked = _most_wrong_first(errors.detach().contiguous(), hot)
    if weight is None:
        increments = jaccard_increments(
            ranked, total=hot.sum(dtype=torch.int32), dtype=errors.dtype
        )
    else:
        total = (weight.to(widest(weight)) * hot).sum()
        increments = jaccard_increments(ranked, weight[order], total, dtype=errors.dtype)
    slope = torch.zeros_like(errors).scatter_(0, order, increments)
    return (errors * slope).sum(), slope


def _extensions_at_once(
    errors: Tensor, hot: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor]:
    """All rows in one sort, where one launch is dearer than right pixels in it."""
    ranked, order = errors.sort(-1, descending=True)
    total = None
    if weight is not None:
        total = (weight.to(widest(weight)) * hot).sum(-1, keepdim=True)
        weight = weight.gather(-1, order)
    steps = jaccard_increments(hot.gather(-1, order), weight, total, dtype=errors.dtype)
    # where nothing is wrong a slope of zero is as good as any, and lets right pixels rest
    steps = steps.masked_fill(ranked == 0, 0.0)
    return (ranked * steps).sum(-1), torch.empty_like(errors).scatter_(-1, order, steps)
