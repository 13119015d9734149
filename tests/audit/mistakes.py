"""Losses with the mistakes of published ones, rewritten, for the laws to catch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seglosses.primitives.encoding import one_hot


class BlindTverskyLoss(nn.Module):
    """Gathers the probability of the label only, so that misses and false alarms are one."""

    def __init__(self, alpha: float = 0.5, beta: float = 0.5) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        hit = pred.softmax(1).gather(1, target.unsqueeze(1)).sum()
        missed = target.numel() - hit
        return 1 - hit / (hit + (self.alpha + self.beta) * missed)


class RawIndexLovaszLoss(nn.Module):
    """Sorts class indices where the indicator of the class is meant."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob, hot = pred.softmax(1).flatten(2), one_hot(target, pred.shape[1]).flatten(2)
        errors, order = (hot - prob).abs().sort(2, descending=True)
        label = target.flatten(1).unsqueeze(1).expand_as(order).gather(2, order).float()
        left = label.sum(2, keepdim=True) - label.cumsum(2)
        union = label.sum(2, keepdim=True) + (1 - label).cumsum(2)
        jaccard = 1 - left / union.clamp(min=1e-6)
        return (errors * torch.diff(jaccard, prepend=jaccard.new_zeros(1)[None, None].expand(
            *jaccard.shape[:2], 1), dim=2)).sum(2).mean()  # fmt: skip


class SquareNormalizedLoss(nn.Module):
    """A scale that multiplies by K - 1 where it should divide; takes rows, returns a tuple."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.scale = 1 / 4 * (num_classes - 1)

    def forward(self, pred: Tensor, target: Tensor) -> tuple[Tensor, None]:
        return self.scale * (1 - pred.softmax(1).gather(1, target.unsqueeze(1))).mean(), None


class TinyNegativePowerLoss(nn.Module):
    """A power of one minus a ratio that may round to a little above one, as it always does here."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob = pred.softmax(1).flatten(1)
        soft = target if target.is_floating_point() else one_hot(target, pred.shape[1])
        both = (prob.sum(1) + soft.flatten(1).sum(1) - (prob - soft.flatten(1)).abs().sum(1)) / 2
        return ((1 - both / soft.flatten(1).sum(1) - 1e-8) ** 1.5).mean()


class LonePixelLoss(nn.Module):
    """Squeezes away the dimension of pixels where one is left, and turns gradients on."""

    def __init__(self, ignore_index: int = 255) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        torch.set_grad_enabled(True)
        rows, labels = pred.flatten(2).transpose(1, 2).flatten(0, 1), target.flatten()
        kept = (labels != self.ignore_index).nonzero().squeeze()
        return (rows[kept, :].logsumexp(1) - rows[kept, labels[kept]]).mean()


class DrownedGeneralizedDiceLoss(nn.Module):
    """Smoothing of 1e-5 beside weights of one over the squared volume."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob, hot = pred.softmax(1).flatten(2), one_hot(target, pred.shape[1]).flatten(2)
        weight = 1 / hot.sum(2).square().clamp(min=1)
        hit, mass = (weight * (prob * hot).sum(2)).sum(1), (weight * (prob + hot).sum(2)).sum(1)
        return (1 - (2 * hit + 1e-5) / (mass + 1e-5)).mean()


class RowSumBalancedLoss(nn.Module):
    """Channels last, and a sum over axis 1, which then is the rows; a mean over the rest."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        hot = one_hot(target, pred.shape[1])
        counts = hot.sum((0, 2, 3))
        share = (counts.sum() - counts) / ((len(counts) - 1) * counts.sum()).clamp(min=1)
        cost = -(share.view(1, -1, 1, 1) * hot * pred.log_softmax(1)).movedim(1, -1)
        return cost.sum(1).mean()


class ElsewhereLoss(nn.Module):
    """Moves what it makes to a GPU, and returns nothing where there is nothing to price."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor | None:
        if not target.any():
            return None
        return (pred * torch.ones(1).cuda()).square().mean()


class MapLoss(nn.Module):
    """Probabilities times maps that are made beforehand."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred * target).mean()


def refuses_without_words(pred: Tensor, target: Tensor) -> Tensor:
    raise NotImplementedError


def inside_is_minus_one(indicators: NDArray[np.int64]) -> NDArray[np.int64]:
    """Maps of one image in the type of its indicators, as boundary-loss makes them."""
    return 1 - 2 * indicators


class SmoothedLoss(nn.Module):
    """Label smoothing, by someone else."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(pred, target, label_smoothing=0.1)


class MeanOfAllClassesDiceLoss(nn.Module):
    """Dice with absent classes in its mean: the choice of some libraries."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob = pred.softmax(1).flatten(2)
        hot = one_hot(target, pred.shape[1]).flatten(2)
        both, sizes = (prob * hot).sum(2), (prob + hot).sum(2)
        ratio = torch.where(sizes > 0, 2 * both / sizes.clamp(min=1e-6), torch.ones(()))
        return (1 - ratio).sum() / max(len(pred) * pred.shape[1], 1)


class RootDiceLoss(nn.Module):
    """A power below one of 1 - Dice: infinite slope where nothing is to be found and nothing is."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob, found = pred.softmax(1)[:, 1:].flatten(1), (target > 0).flatten(1)
        both = (prob * found[:, None].repeat(1, 2, 1).flatten(1)).sum(1)
        loss = (1 - (2 * both + 1) / (prob.sum(1) + 2 * found.sum(1) + 1)) * found.any(1)
        return loss.pow(0.75).sum() / max(len(pred), 1)
