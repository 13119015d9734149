"""Pixels of classes, sampled from a batch to be contrasted."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_vectors, require_graph
from seglosses.losses.base import SegmentationLoss, SegOptions
from seglosses.losses.classes import refuse_per_pixel, refuse_points
from seglosses.losses.whole_maps import broken, without_weights
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.reduction import Asked
from seglosses.primitives.sampling import spread_labels, spread_places


class ContrastLoss(SegmentationLoss):
    """Compares sampled pixels of classes; channels that are independent are two classes each.

    Every extra input that it needs is sampled at the same pixels; the first one is trained.
    """

    needs: ClassVar[tuple[str, ...]] = ("features",)
    of_structures = True
    most_of_a_class = 100  # of an image, as in the paper

    def __init__(self, samples: int, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        check_range("[2, inf)", whole=True, samples=samples)
        if self.class_weight is not None:
            raise ValueError(
                f"{type(self).__name__} takes as many pixels of each class as there are, and weighs"
                " none: drop class_weight"
            )
        self.samples = samples

    def contrast(self, vectors: Tensor, real: Tensor) -> Tensor:
        """Losses of images (N,) of vectors (N, G, K, S, D), G problems of K classes.

        D are the features of all extra inputs, one behind the other.
        """
        raise NotImplementedError

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over the sampled pixels, then images."""
        owner = type(self).__name__
        refuse_per_pixel(owner, asked, batch)
        refuse_points(owner, batch)
        batch = without_weights(batch, owner)
        logits = batch.logits
        labels, classes = _problems(batch)
        images, problems = labels.shape[:2]
        places, real = spread_labels(labels.flatten(0, 1), classes, self.most_of_a_class)
        each = places.shape[2]
        spatial = tuple(logits.shape[2:])
        flat = places.view(images, problems * classes * each)
        read = [extra_vectors(name, owner, spatial, flat) for name in self.needs]
        require_graph(read[0], self.needs[0], owner, logits)
        self._check_widths([maps.shape[2] for maps in read])
        vectors = torch.cat(read, 2)
        vectors = vectors.view(images, problems, classes, each, vectors.shape[2])
        real = real.view(vectors.shape[:4])
        # pixels that are ignored may hold anything
        vectors = torch.where(real.unsqueeze(4), vectors, 0.0)
        loss = self.contrast(vectors, real).to(logits.dtype)
        graph = batch.masked_logits().flatten(1)[:, :1].sum(1) * 0
        return asked.of(loss + graph + broken(batch).squeeze(1), batch.row_weight)

    def _check_widths(self, widths: list[int]) -> None:
        """Refuse numbers of features that cannot be compared."""

    def _chosen(self, vectors: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of a problem (N, K, S, D): up to ``samples`` vectors, their classes and their images."""
        classes, each, size = vectors.shape[1:]
        places, count = spread_places(real.reshape(1, -1), self.samples)
        place = places.squeeze(0)
        there = torch.arange(len(place), device=place.device) < count.squeeze(1)
        kind = torch.where(there, place // each % classes, -1)
        picked = vectors.reshape(-1, size).gather(0, place.unsqueeze(1).expand(-1, size))
        return picked, kind, place // (classes * each)


def _problems(batch: Aligned) -> tuple[Tensor, int]:
    """Labels (N, G, P) of G problems, -1 where a pixel is of none, and their number of classes."""
    if batch.labels is not None and not (batch.sigmoid and batch.channels > 1):
        labels, classes = batch.labels.flatten(1).unsqueeze(1), max(batch.channels, 2)
    elif batch.sigmoid:
        labels, classes = (batch.target() > 0.5).flatten(2).long(), 2
    else:
        most, labels = batch.target().flatten(2).max(1, keepdim=True)
        labels, classes = torch.where(most > 0.5, labels, -1), batch.channels
    if batch.valid is not None:
        labels = labels.masked_fill(~batch.valid.flatten(1).unsqueeze(1), -1)
    return labels, classes


def mean_of_images(loss: Tensor, counted: Tensor, image: Tensor, images: int) -> Tensor:
    """Means (N,) of losses (n,) that count; 0 for images without one."""
    own = (image == torch.arange(images, device=image.device).unsqueeze(1)) & counted
    share = own.to(loss.dtype)
    return share @ loss / share.sum(1).clamp(min=1)
