"""Centre-line losses: soft clDice against MONAI's, and each loss against CE + Dice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from speed import Case, peer
from torch.nn import functional as F

from seglosses.datasets.bricks import brick_sample
from seglosses.losses import (
    CenterlineBoundaryDiceLoss,
    CenterlineCrossEntropyLoss,
    CrossEntropyLoss,
    DiceLoss,
    SkeletonRecallLoss,
    SoftClDiceLoss,
)
from seglosses.primitives.soft_skeleton import soft_skeleton
from seglosses.topology.skeleton import clear_cache, skeletonize


def cases() -> Iterator[Case]:
    """Maps of noise, where every pixel has a gradient, and a wall with its prediction."""
    for shape, iterations in (
        ((4, 1, 512, 512), 3),
        ((1, 1, 512, 512), 10),
        ((1, 1, 256, 256), 50),
        ((1, 1, 64, 96, 96), 5),
    ):
        yield _cldice(shape, iterations)
    yield _target_skeleton()
    logits, labels = predicted_wall(512)
    for name, loss in (
        ("soft clDice, 3 erosions", SoftClDiceLoss(3)),
        ("soft clDice, 10 erosions", SoftClDiceLoss(10)),
        ("centre-line CE", CenterlineCrossEntropyLoss()),
        ("skeleton recall", SkeletonRecallLoss()),
        ("cbDice, nothing remembered", forgetful(CenterlineBoundaryDiceLoss())),
    ):
        yield Case(f"{name}, wall of 512", beside_ce_dice(loss, logits, labels), logits)


@cache
def predicted_wall(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (1, 2, size, size) from a blurred pseudo label with noise, and labels."""
    sample = brick_sample(size, seed=1)
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=sample.mask.shape), 2)
    soft = ndimage.gaussian_filter(sample.pseudo().astype(float), 1.5) - 0.5
    half = torch.from_numpy(4 * soft + 2 * noise).float()
    logits = torch.stack([-half, half]).unsqueeze(0).requires_grad_()
    return logits, torch.from_numpy(sample.mask).long().unsqueeze(0)


def forgetful(loss: Callable[..., Any]) -> Callable[..., Any]:
    """In training every prediction is new, so its skeleton is never remembered."""

    def run(*inputs: torch.Tensor) -> Any:
        clear_cache()
        return loss(*inputs)

    return run


def beside_ce_dice(
    loss: Callable[..., Any], logits: torch.Tensor, labels: torch.Tensor
) -> dict[str, Callable[[], Any]]:
    """A loss beside cross-entropy + Dice: ours, and written out with one-hot labels."""
    entropy, dice = CrossEntropyLoss(), DiceLoss()

    def written_out() -> torch.Tensor:
        prob = logits.softmax(1)
        hot = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(prob.dtype)
        overlap = (2 * (prob * hot).sum((2, 3)) + 1e-5) / ((prob + hot).sum((2, 3)) + 1e-5)
        return (-hot * (prob + 1e-15).log()).mean((0, 2, 3)).sum() - overlap.mean()

    return {
        "seglosses": lambda: loss(logits, labels),
        "CE + Dice": lambda: entropy(logits, labels) + dice(logits, labels),
        "CE + Dice, one-hot": written_out,
    }


def _cldice(shape: tuple[int, ...], iterations: int) -> Case:
    missing: list[str] = []
    logits = torch.randn(shape, requires_grad=True)
    labels = (torch.rand(shape) > 0.7).long()
    hot = labels.float()
    ours = SoftClDiceLoss(iterations, use_sigmoid=True)
    runs: dict[str, Callable[[], Any]] = {"seglosses": lambda: ours(logits, labels[:, 0])}
    if make := peer("monai.losses.SoftclDiceLoss", missing):
        monai = make(iter_=iterations)
        runs["monai"] = lambda: monai(logits.sigmoid(), hot)
    size = "x".join(map(str, shape))
    return Case(f"soft clDice {size}, {iterations} erosions", runs, logits, tuple(missing))


def _target_skeleton() -> Case:
    missing: list[str] = []
    _, labels = predicted_wall(512)
    mask, hot = (labels > 0).unsqueeze(1), labels.unsqueeze(1).float()
    array = mask[0, 0].numpy()
    runs: dict[str, Callable[[], Any]] = {
        "seglosses": lambda: soft_skeleton(mask, 10),
        "seglosses, thinned (remembered)": lambda: skeletonize(array),
    }
    if theirs := peer("monai.losses.cldice.soft_skel", missing):
        runs["monai"] = lambda: theirs(hot, 10)
    return Case("skeleton of a label, 512", runs, None, tuple(missing))
