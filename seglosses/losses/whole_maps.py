"""What losses of whole maps make of weights, and of logits that are no numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.primitives.attention import when_to_check
from seglosses.primitives.checks import require
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.layout import flat_labels, flat_maps


def without_weights(batch: Aligned, owner: str) -> Aligned:
    """The batch with pixels of weight 0 ignored, and no weights of pixels.

    Raises:
        ValueError: for weights other than 0 and 1.
    """
    weight = batch.pixel_weight
    if weight is None:
        return batch
    wrong = (
        f"{owner} sees a pixel or does not see it: weights of pixels must be 0 or 1; cut them"
        " (weight > 0.5), or weigh images (N,)"
    )
    choice = ((weight == 0) | (weight == 1)).all()
    if when_to_check(weight) == "sync" and not bool(choice):
        least, most = weight.aminmax()
        wrong += f"; got values from {least.item():g} to {most.item():g}"
    require(choice, wrong)
    gone = weight == 0
    return batch._replace(
        labels=None if batch.labels is None else batch.labels.masked_fill(gone, 0),
        dense=None if batch.dense is None else batch.dense.masked_fill(gone.unsqueeze(1), 0.0),
        valid=~gone if batch.valid is None else batch.valid & ~gone,
        pixel_weight=None,
    )


def broken(batch: Aligned) -> Tensor:
    """NaN for images whose logits have no probability, else 0, (N, 1).

    What looks at some pixels alone may cost a finite number there, and give NaN for a gradient.
    """
    logits = batch.logits.detach()
    if at_hand(logits) and bool(logits.sum().isfinite()):
        return logits.new_zeros(len(logits), 1)
    peak = flat_maps(logits).amax(1)
    # under softmax one +inf has no share, nor have -inf alone
    broken = peak.isnan() if batch.sigmoid else ~peak.isfinite()
    if batch.valid is not None:
        broken = broken & flat_labels(batch.valid)
    found = broken.any(1, keepdim=True)
    return torch.zeros_like(found, dtype=peak.dtype).masked_fill(found, torch.nan)
