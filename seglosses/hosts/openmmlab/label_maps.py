"""Maps of labels made by a transform, in the data loader's workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seglosses.losses.label_maps import label_maps
from seglosses.registry import MODELS, TRANSFORMS


@TRANSFORMS.register_module()
class AddLabelMaps:
    """Compute what losses need of the label: skeletons, tubes, distances, weights.

    ``seglosses.ExtraInputsSegmentor`` hands the maps to the losses, which find them. Place it after
    ``PackSegInputs``, so after every crop and flip, and crop to one size: labels that are padded in
    the batch have other maps, which are then computed by the losses as ever. So are, on a CPU, maps
    of labels that the model changes, as by mixup; on a GPU these raise ``ValueError``.

    Args:
        losses: Configs of the losses, as in ``loss_decode``.
        num_classes: Number of channels of the head, ``out_channels`` where it has that.
    """

    def __init__(self, losses: Sequence[Mapping[str, Any]], num_classes: int) -> None:
        self.losses = [dict(each) for each in losses]
        self.num_classes = num_classes
        self._built = [MODELS.build(dict(each)) for each in losses]

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``label_maps`` to the data sample."""
        sample = results["data_samples"]
        labels = sample.gt_sem_seg.data.squeeze(0)
        sample.set_field(label_maps(self._built, labels, self.num_classes), "label_maps")
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(losses={self.losses}, num_classes={self.num_classes})"
