"""Distillation of features: their direction and length, and their affinities."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_map, require_extra_input, require_graph
from seglosses.losses.base import SegmentationLoss, SegOptions
from seglosses.losses.classes import refuse_per_pixel, refuse_points
from seglosses.losses.guided.contrast_centres import CentredLoss
from seglosses.losses.guided.contrast_samples import mean_of_images
from seglosses.losses.guided.distillation_relations import pixel_affinity_distillation_loss
from seglosses.losses.whole_maps import broken, without_weights
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.reduction import Asked

__all__ = [
    "FeatureAffinityDistillationLoss",
    "NormDirectionDistillationLoss",
    "norm_direction_distillation_loss",
]


def norm_direction_distillation_loss(
    student: Tensor, teacher: Tensor, target: Tensor, centres: Tensor, known: Tensor | None = None
) -> Tensor:
    r"""Features should point to the teacher's centre of their class, and be as long as its own.

        loss_i = 1 - s_i e_y / max(|s_i|, |t_i|),  e_y = c_y / |c_y|

    Below the teacher's length the loss falls as features grow; above it their direction alone
    counts.

    Args:
        student: Features, (n, D).
        teacher: The teacher's, (n, D); constants of differentiation, of which lengths are read.
        target: Classes y, (n,); those below 0 are not there.
        centres: c, the teacher's mean features of the classes, (K, D).
        known: Which classes have a centre, (K,) bool; all of them by default.

    Returns:
        One loss per vector, (n,), in [0, 2]; 0 where its class has no centre, 1 where both vectors
        are 0.

    References:
        Wang et al., Improving knowledge distillation via regularizing feature norm and direction,
        ECCV 2024, arXiv:2305.17007.

    Example:
        >>> student = torch.tensor([[3.0, 0.0], [0.0, 5.0]])
        >>> teacher, centres = torch.tensor([[4.0, 0.0], [0.0, 4.0]]), torch.eye(2)
        >>> norm_direction_distillation_loss(student, teacher, torch.tensor([0, 1]), centres)
        tensor([0.2500, 0.0000])
    """
    own = target.clamp(min=0)
    counted = target >= 0
    if known is not None:
        counted = counted & known[own]
    along = (student * F.normalize(centres.detach(), dim=1)[own]).sum(1)
    square = student.square().sum(1)
    length = torch.where(square > 0, square, 1.0).sqrt() * (square > 0)
    longest = torch.maximum(length, teacher.detach().norm(dim=1))
    loss = 1 - along / torch.where(longest > 0, longest, 1.0)
    return torch.where(counted, loss, 0.0)


class NormDirectionDistillationLoss(CentredLoss):
    """Registered form of :func:`norm_direction_distillation_loss` (ND), of sampled pixels.

    Needs the extra inputs ``features`` and ``teacher_features``, of as many channels. The centres
    are running means of the teacher's features at the labels: in training a batch moves them
    first; they are those of all ranks, and in the checkpoint. Outside of training they stay, and a
    class that has none takes its mean in the batch.

    Pixels are sampled and refused as by :class:`PixelContrastLoss`; the mean over an image's
    samples, and an image without one costs 0.

    Args:
        momentum: Share of a centre that a batch leaves.
        samples: Most pixels of a batch.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: for under 2 samples, a ``momentum`` outside [0, 1), missing features or features
            of other numbers of channels, or such without a graph under logits that have one.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> maps = torch.tensor([[[[4.0, 4.0]]]])  # 3 of 4 along the centre, and all of it
        >>> with extra_inputs(features=torch.tensor([[[[3.0, 5.0]]]]), teacher_features=maps):
        ...     loss = NormDirectionDistillationLoss()
        ...     loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[1, 1]]]))  # (1/4 + 0) / 2
        tensor(0.1250)
    """

    formula = "1 - s e_y / max(|s|, |t|), e_y the direction of the teacher's class centre"
    paper = "Wang et al. 2024, arXiv:2305.17007"
    use_when = (
        "a larger network's last features are at hand (extra input: features, teacher_features)"
    )
    tags = ("teacher", "features")
    needs = ("features", "teacher_features")

    def __init__(
        self, momentum: float = 0.99, samples: int = 1024, **options: Unpack[SegOptions]
    ) -> None:
        super().__init__(momentum, samples, **options)

    def contrast(self, vectors: Tensor, real: Tensor) -> Tensor:
        """Mean over problems of the mean over an image's samples."""
        images, problems, classes = vectors.shape[:3]
        width = vectors.shape[4] // 2
        chosen = [self._chosen(vectors[:, k], real[:, k]) for k in range(problems)]
        taught = [(both[:, width:].detach(), kind) for both, kind, _ in chosen]
        centres, known = self.centres_of(taught, classes)
        loss = vectors.new_zeros(images)
        for k, (both, kind, image) in enumerate(chosen):
            each = norm_direction_distillation_loss(
                both[:, :width], taught[k][0], kind, centres[k], known[k]
            )
            loss = loss + mean_of_images(each, kind >= 0, image, images)
        return loss / max(problems, 1)

    def _check_widths(self, widths: list[int]) -> None:
        if widths[0] != widths[1]:
            raise ValueError(
                f"{type(self).__name__} compares features with equal numbers of channels, got"
                f" {widths[0]} of the student and {widths[1]} of the teacher: choose stages of one"
                " width, or project the student's"
            )


class FeatureAffinityDistillationLoss(SegmentationLoss):
    """:func:`~seglosses.losses.pixel_affinity_distillation_loss` of features.

    Needs the extra inputs ``features`` and ``teacher_features``, of any numbers of channels, and
    compares them at the resolution of the student's; the teacher's are resampled to it. Time and
    memory are linear in the pixels. No label is read, but for what is ignored: features at such
    pixels (at the nearest one, where features are coarser) are alike to none. The gradient goes to
    the features, none to the logits. Weights of pixels other than 0 and 1 are refused, as is
    ``class_weight``.

    Args:
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: for missing features, or such without a graph under logits that have one.

    Example:
        >>> from seglosses.extra_inputs import extra_inputs
        >>> alike, apart = torch.ones(1, 1, 1, 2), torch.eye(2).view(1, 2, 1, 2)
        >>> with extra_inputs(features=alike, teacher_features=apart):  # 2 of 4 pairs differ by 1
        ...     FeatureAffinityDistillationLoss()(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))
        tensor(0.5000)
    """

    formula = "mean over pairs of pixels of (cos(s_i, s_j) - cos(t_i, t_j))^2, of features"
    paper = "Li et al. 2023, arXiv:2302.10899; Liu et al. 2019, arXiv:1903.04197"
    use_when = "a larger trained network but no labels (extra input: features, teacher_features)"
    tags = ("teacher", "features")
    needs = ("features", "teacher_features")
    of_structures = True

    def __init__(self, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        if self.class_weight is not None:
            raise ValueError(f"{type(self).__name__} reads no classes: drop class_weight")

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over images."""
        owner = type(self).__name__
        refuse_per_pixel(owner, asked, batch)
        refuse_points(owner, batch)
        batch = without_weights(batch, owner)
        logits = batch.logits
        size = tuple(require_extra_input("features", owner).shape[2:])
        maps = [extra_map(name, owner, len(logits), size) for name in self.needs]
        require_graph(maps[0], "features", owner, logits)
        if batch.valid is not None:
            seen = batch.valid.unsqueeze(1).to(logits.dtype)
            nearest = seen if seen.shape[2:] == size else F.interpolate(seen, size, mode="nearest")
            maps = [torch.where(nearest > 0, each, 0.0) for each in maps]
        loss = pixel_affinity_distillation_loss(maps[0], maps[1]).to(logits.dtype)
        graph = batch.masked_logits().flatten(1)[:, :1].sum(1) * 0
        return asked.of(loss + graph + broken(batch).squeeze(1), batch.row_weight)
