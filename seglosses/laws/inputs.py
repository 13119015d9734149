"""Inputs on which the laws of segmentation losses are tried."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from seglosses.laws.subject import Subject

SURE = 40.0  # a logit that is certain in float32


def blocky_labels(subject: Subject, *shape: int, seed: int = 0) -> Tensor:
    """Blocky labels (N, *S): rectangles, so that shapes have an inside, with every class."""
    generator = torch.Generator().manual_seed(seed)
    classes = max(subject.channels, 2)
    labels = torch.zeros(shape, dtype=torch.long)
    for image in labels:
        for label in range(1, classes):
            corner = [
                int(torch.randint(0, max(s // 2, 1), (), generator=generator)) for s in image.shape
            ]
            window = tuple(
                slice(c, c + max(s // 3, 1)) for c, s in zip(corner, image.shape, strict=True)
            )
            image[window] = label
    return labels


def random_logits(subject: Subject, labels: Tensor, seed: int = 0, scale: float = 2.0) -> Tensor:
    """Logits (N, C, *S) for labels (N, *S), without regard to what these are."""
    generator = torch.Generator().manual_seed(100 + seed)
    shape = (labels.shape[0], subject.channels, *labels.shape[1:])
    return scale * torch.randn(shape, generator=generator)


def indicators(labels: Tensor, channels: int) -> Tensor:
    """Which class a pixel has, bool (N, C, *S); of one channel, whether it has class 1.

    Written apart from the losses' own encoding, which the laws examine.

    Example:
        >>> indicators(torch.tensor([[0, 1, 255]]), 2).int()
        tensor([[[1, 0, 0],
                 [0, 1, 0]]], dtype=torch.int32)
    """
    classes = torch.arange(max(channels, 2), device=labels.device)[-channels:]
    return labels.unsqueeze(1) == classes.view(1, -1, *(1,) * (labels.dim() - 1))


def certain_logits(subject: Subject, labels: Tensor, strength: float = SURE) -> Tensor:
    """Logits that predict the labels."""
    return torch.where(indicators(labels, subject.channels), strength, -strength)


def shapes_of(subject: Subject) -> Iterator[tuple[int, ...]]:
    """Sizes of labels, the smallest first; a volume last where the loss takes one."""
    yield from [(1, 2, 2), (1, 4, 6), (2, 12, 16), (2, 24, 20)]
    if 3 in subject.dims:
        yield (2, 4, 12, 10)
