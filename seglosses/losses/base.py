"""The bases of all losses, to import from here.

A loss class declares hyper-parameters and one ``compute``; its base calls it with

* :class:`~seglosses.losses.classwise.OverlapLoss`: soft counts, and expects a loss per image and
  class (N, C);
* :class:`~seglosses.losses.whole_maps.MapLoss`: probability and target maps, and expects (N, C);
* :class:`~seglosses.losses.pixelwise.PixelLoss`: softmax logits and labels, and expects a loss per
  pixel (N, *S);
* :class:`~seglosses.losses.rows.BoxLoss`: aligned boxes (n, 2d), and expects a loss per pair (n,);
  :class:`~seglosses.losses.rows.RotatedBoxLoss`: the same of rotated boxes (n, 5);
* :class:`~seglosses.losses.rows.RowLoss`: other rows of a detection head, such as scores.

Two hooks of :class:`~seglosses.losses.segmentation.SegmentationLoss` come before ``compute``:
``prepare`` changes the batch that is compared, and ``reduce`` is the whole way from that batch to
the result, for losses that fit none of the other bases.
"""

from __future__ import annotations

from seglosses.losses.classes import ClassLoss, MapOptions
from seglosses.losses.classwise import CountOptions, OverlapLoss
from seglosses.losses.loss import Loss, LossOptions, default_name
from seglosses.losses.pixelwise import PixelLoss, PixelOptions
from seglosses.losses.rows import BoxLoss, RotatedBoxLoss, RowLoss
from seglosses.losses.segmentation import SegmentationLoss, SegOptions
from seglosses.losses.whole_maps import MapLoss

__all__ = [
    "BoxLoss",
    "ClassLoss",
    "CountOptions",
    "Loss",
    "LossOptions",
    "MapLoss",
    "MapOptions",
    "OverlapLoss",
    "PixelLoss",
    "PixelOptions",
    "RotatedBoxLoss",
    "RowLoss",
    "SegOptions",
    "SegmentationLoss",
    "default_name",
]
