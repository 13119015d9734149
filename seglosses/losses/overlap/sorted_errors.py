"""Losses of errors that are sorted by class, with the gradient formed in the forward pass.

Errors are sorted once per class. Forming the gradient there costs little, and leaves nothing for
backward but one tensor of the size of the logits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classes import ClassLoss
from seglosses.losses.classwise import MapOptions
from seglosses.primitives.checks import require
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.first_order import apply_by_hand, first_order, refuse_transforms
from seglosses.primitives.layout import flat_labels, flat_maps, pick_channels
from seglosses.primitives.lovasz_extension import lovasz_extension
from seglosses.primitives.reduction import Asked, average_classes


class _Known(torch.autograd.Function):
    """One value per row of the input, with the gradient at hand."""

    @staticmethod
    def forward(ctx: Any, _: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad.view(-1, *(1,) * (gradient.dim() - 1)), None, None


def extensions(errors: Tensor, target: Tensor) -> Tensor:
    """Lovász extensions of errors of hard labels, (N, C), differentiable.

    Args:
        errors: At least 0, (N, C, *S).
        target: Labels in {0, 1}, of that shape.
    """
    rows, foreground = errors.flatten(2).flatten(0, 1), target.flatten(2).flatten(0, 1) > 0
    with torch.no_grad():
        value, slope = lovasz_extension(rows, foreground)
    extension: Tensor = apply_by_hand(_Known, rows, value, slope)
    return extension.view(errors.shape[:2])


class SortedErrorsLoss(ClassLoss):
    """Base of losses that weigh the errors of a class by their order.

    Args:
        average: 'dataset' takes the batch as one image, 'image' each alone; None for the default
            of the loss.
        options: See :class:`~seglosses.losses.segmentation.SegmentationLoss`.
    """

    default_average: ClassVar[str]

    def __init__(self, average: str | None = None, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        self.average = self.default_average if average is None else average
        if self.average not in ("image", "dataset"):
            raise ValueError(f"average must be 'image' or 'dataset', got {average!r}")

    def _scores(self, logits: Tensor, sigmoid: bool) -> Tensor:
        """What errors are read from, (N, C, P)."""
        raise NotImplementedError

    def _errors(self, score: Tensor, foreground: Tensor) -> tuple[Tensor, Tensor]:
        """Errors, at least 0, fresh, and their slope by the score; foreground is 0 or 1."""
        raise NotImplementedError

    def _by_logits(self, grad: Tensor, scores: Tensor, sigmoid: bool) -> Tensor:
        """Gradient by the logits from that by the scores; may write to both."""
        raise NotImplementedError

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Extensions by sorting, with the gradient found beside the value."""
        refuse_transforms()
        self._refuse_per_pixel(asked, batch)
        pooled = self.average == "dataset" and not (batch.masks and asked.reduction == "none")
        if pooled:
            self._refuse_avg_factor(asked)
        if pooled and batch.row_weight is not None:
            like = batch.logits[:, 0]
            weight = batch.row_weight.view(-1, *(1,) * (like.dim() - 1)).expand_as(like)
            batch = batch._replace(pixel_weight=weight, row_weight=None)
        only_present = self._only_present(batch)
        batch, chosen, weights = self._chosen(batch)
        # under softmax all channels share the errors' gradient
        weights = weights if chosen is None else self.class_weight
        with torch.no_grad():
            foreground = _foreground(batch)
            present = None
            if only_present:
                present = _masses(batch, foreground)
                present = (present.sum(0, keepdim=True) if pooled else present) > 0
            rows = 1 if pooled else batch.logits.shape[0]
            one_each = torch.eye(batch.channels, device=batch.logits.device).expand(rows, -1, -1)
            if chosen is not None:
                read = pick_channels(one_each, chosen).sum(1) > 0
                present = read if present is None else present & read
            shares = _shares(one_each, present, weights)
            value, gradient = self._formed(batch, foreground, shares)
        if pooled:
            whole: Tensor = apply_by_hand(
                _Known, batch.logits.unsqueeze(0), value, gradient.unsqueeze(0)
            )
            return whole.sum()
        each: Tensor = apply_by_hand(_Known, batch.logits, value, gradient)
        return self._of_images(each, None if present is None else present.any(1), batch, asked)

    def _formed(
        self, batch: Aligned, foreground: Callable[[int, slice], Tensor], shares: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The losses of rows (R,) and their gradient by the logits."""
        weight = batch.pixel_weight
        if not at_hand(batch.logits):
            # errors of ignored pixels are blanked; of a hinge nothing else holds their logits
            logits = batch.logits if self.independent_channels else batch.masked_logits()
            scores = self._scores(flat_maps(logits), batch.sigmoid)
            value, gradient = self._formed_at_once(batch, scores, shares)
            return value, self._by_logits(gradient, scores, batch.sigmoid).view_as(batch.logits)
        scores = self._scores(flat_maps(batch.pixel_logits()), batch.sigmoid)
        valid = None if batch.valid is None else _as_numbers(batch.valid).to(scores.dtype)
        gradient = torch.zeros_like(scores)
        values = []
        for row, row_shares in enumerate(shares.tolist()):
            images = slice(None) if len(shares) == 1 else slice(row, row + 1)
            w = None if weight is None else weight[images].flatten()
            value = scores.new_zeros(())
            for c, share in enumerate(row_shares):
                if not share:
                    continue
                own = foreground(c, images)
                errors, slope = self._errors(scores[images, c], own)
                if valid is not None:
                    # last in order and without slope, ignored pixels touch nobody
                    errors.mul_(valid[images])
                part, steps = lovasz_extension(errors.flatten(), own.flatten(), w)
                value = value + share * part
                torch.mul(slope.mul_(share), steps.view_as(slope), out=gradient[images, c])
            values.append(value)
        value = torch.stack(values) if values else scores.new_zeros((0,))
        return value, self._by_logits(gradient, scores, batch.sigmoid).view_as(batch.logits)

    def _formed_at_once(
        self, batch: Aligned, scores: Tensor, shares: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The losses of rows and the gradient by the scores, of all images and classes together."""
        rows, classes = shares.shape
        own = flat_maps(batch.target())
        errors, slope = self._errors(scores, own)
        if batch.valid is not None:
            errors.masked_fill_(~flat_labels(batch.valid).unsqueeze(1), 0.0)
        w = batch.pixel_weight
        if w is not None:
            w = flat_labels(w).unsqueeze(1).expand_as(errors)
        pooled = rows != scores.shape[0]
        if pooled:
            # of each class one row of all images
            errors, own = (x.transpose(0, 1).flatten(1) for x in (errors, own))
            w = None if w is None else w.transpose(0, 1).flatten(1)
        value, steps = lovasz_extension(errors, own, w)
        if pooled:
            steps = steps.view(classes, *scores.shape[::2]).transpose(0, 1)
        value = (value.view(rows, classes) * shares).sum(1)
        return value, slope * steps * shares.unsqueeze(2)


def _shares(one_each: Tensor, present: Tensor | None, weights: Tensor | None) -> Tensor:
    """How much each class counts in the mean of its row, (R, C), of one identity per row."""
    if present is None and weights is None:
        return one_each.new_full(one_each.shape[:2], 1 / max(one_each.shape[1], 1))
    return average_classes(
        one_each,
        None if present is None else present.unsqueeze(2),
        None if weights is None else weights.unsqueeze(1),
    )


def _masses(batch: Aligned, foreground: Callable[[int, slice], Tensor]) -> Tensor:
    """Pixels of every class, (N, C)."""
    if not at_hand(batch.logits):
        return flat_maps(batch.target()).sum(2)
    return torch.stack([foreground(c, slice(None)).sum(1) for c in range(batch.channels)], 1)


def _foreground(batch: Aligned) -> Callable[[int, slice], Tensor]:
    """Whether a class is labelled in some images, 0 or 1, (N, P); never at ignored pixels."""
    if batch.dense is not None:
        dense = flat_maps(batch.dense)
        require(
            ((dense == 0) | (dense == 1)).all(),
            "Lovász losses are defined for hard labels: dense targets must be 0 or 1; use"
            " JaccardMetricLoss for soft ones",
        )
        return lambda c, images: dense[images, c]
    assert batch.labels is not None
    if not at_hand(batch.logits):
        return lambda c, images: flat_maps(batch.target())[images, c]
    # numbers throughout: torch compares and masks by booleans ten times slower than it multiplies
    numbers = flat_labels(batch.labels).to(batch.logits.dtype)
    if batch.channels > 1:
        numbers += 1
    if batch.valid is not None:
        numbers *= _as_numbers(batch.valid)
    if batch.channels == 1:
        return lambda _, images: numbers[images]
    return lambda c, images: numbers[images].clone().eq_(c + 1)


def _as_numbers(flags: Tensor) -> Tensor:
    return flat_labels(flags).view(torch.uint8)
