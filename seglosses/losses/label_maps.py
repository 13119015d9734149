"""The half of a loss that looks at the label alone, made by the workers of a data loader.

    maps = label_maps([SkeletonRecallLoss(), HausdorffDTLoss()], labels, num_classes=2)  # a worker
    ...
    with known_label_maps(collated):  # the training loop, around the losses
        loss(logits, labels)

In MMSegmentation the transform ``seglosses.AddLabelMaps`` and the segmentor
``seglosses.ExtraInputsSegmentor`` do both from a config.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seglosses.losses.segmentation import SegmentationLoss
from seglosses.primitives.label_halves import known_maps, recorded_maps


def label_maps(
    losses: Sequence[torch.nn.Module], labels: Tensor, num_classes: int
) -> dict[str, Tensor]:
    """What losses will want to know of a label, by keys that they find it by.

    Losses that look at no label alone give nothing. Augment first, for the maps are those of the
    label as it is given, ignored pixels included. A digest travels with each, so that a loss that
    gets another label, as after a flip or mixup of the batch, computes its maps itself on a CPU,
    and raises ``ValueError`` on a device (see ``docs/gpu.md``).

    Args:
        losses: Losses as they will be called.
        labels: (*S), integers, of one image.
        num_classes: Number of channels of the logits.

    Returns:
        Tensors without a batch dimension, maps and digests: a loader collates them as it does
        images.

    Example:
        >>> from seglosses.losses import SkeletonRecallLoss
        >>> labels = torch.tensor([[0, 1, 1, 1, 0]])
        >>> maps = label_maps([SkeletonRecallLoss()], labels, num_classes=2)
        >>> tube, digest = maps.values()
        >>> tube.shape, digest.shape
        (torch.Size([1, 1, 5]), torch.Size([1]))
    """
    logits = torch.zeros((1, num_classes, *labels.shape), device=labels.device)
    with torch.no_grad(), recorded_maps() as maps:
        for loss in losses:
            if isinstance(loss, SegmentationLoss) and loss.has_label_half:
                # a schedule has no place in a worker
                copy.copy(loss).eval()(logits, labels.unsqueeze(0))
    return {key: value[0] for key, value in maps.items()}


known_label_maps = known_maps


def collated(samples: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Batches of the maps that all samples have.

    Example:
        >>> collated([{"a": torch.ones(1)}, {"a": torch.zeros(1), "b": torch.zeros(1)}])
        {'a': tensor([[1.],
                [0.]])}
    """
    shared = [key for key in samples[0] if all(key in each for each in samples)] if samples else []
    return {key: torch.stack([each[key] for each in samples]) for key in shared}
