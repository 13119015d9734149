"""Distance maps against SciPy's, and the losses built on them against MONAI's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from speed import Case, peer
from torch.nn import functional as F

from seglosses.losses import HausdorffDTLoss, KervadecBoundaryLoss, RegionWiseLoss
from seglosses.primitives.distance import signed_label_distances


def cases() -> Iterator[Case]:
    """Signed maps of 19 classes, Hausdorff, boundary and region-wise losses."""
    labels = _smooth(1, 19, (512, 1024), 32).argmax(1)
    array = labels[0].numpy()
    yield Case(
        "signed distance maps 19x512x1024",
        {
            "seglosses": lambda: signed_label_distances(array, 19),
            "scipy": lambda: _scipy_signed(array, 19),
        },
    )
    logits = _smooth(4, 1, (256, 256), 32)
    target = (logits + 0.5 * _smooth(4, 1, (256, 256), 16) > 0).long()
    logits.requires_grad_()
    yield _hausdorff(logits, target)
    wide = _smooth(1, 19, (256, 512), 16).requires_grad_()
    classes = labels[:, ::2, ::2].contiguous()
    yield Case(
        "boundary loss 1x19x256x512",
        {
            "seglosses": lambda: KervadecBoundaryLoss(classes="all")(wide, classes),
            "scipy maps": lambda: _scipy_boundary(wide, classes),
        },
        wide,
    )
    yield Case(
        "region-wise loss 1x19x256x512",
        {"seglosses": lambda: RegionWiseLoss()(wide, classes)},
        wide,
    )


def _smooth(images: int, channels: int, size: tuple[int, int], grain: int) -> torch.Tensor:
    """Random fields whose level sets are shapes of some ``grain`` pixels."""
    coarse = torch.randn(images, channels, size[0] // grain, size[1] // grain)
    return F.interpolate(4 * coarse, size, mode="bicubic", align_corners=False)


def _scipy_signed(labels: NDArray[Any], classes: int) -> NDArray[Any]:
    maps = np.zeros((classes, *labels.shape), np.float32)
    for index in range(classes):
        mask = labels == index
        if mask.any() and not mask.all():
            outside, inside = distance_transform_edt(~mask), distance_transform_edt(mask)
            maps[index] = np.where(mask, 1 - inside, outside)
    return maps


def _scipy_boundary(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    maps = np.stack([_scipy_signed(label.numpy(), logits.shape[1]) for label in labels])
    return (logits.softmax(1) * torch.from_numpy(maps)).mean()


def _hausdorff(logits: torch.Tensor, target: torch.Tensor) -> Case:
    missing: list[str] = []
    ours = HausdorffDTLoss()
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: ours(logits, target[:, 0])}
    if make := peer("monai.losses.HausdorffDTLoss", missing):
        monai = make(sigmoid=True, include_background=True)
        runs["monai"] = lambda: monai(logits, target.float())
    return Case("Hausdorff DT loss 4x1x256x256", runs, logits, tuple(missing))
