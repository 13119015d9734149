"""What every loss shares: options, names, layouts, precision, weights, reduction.

A loss class declares hyper-parameters and one ``compute``; the families below call it with

* :class:`~seglosses.losses.classwise.OverlapLoss`: soft counts, and expect a loss per image and
  class (N, C);
* :class:`~seglosses.losses.classwise.MapLoss`: probability and target maps, and expect (N, C);
* :class:`~seglosses.losses.pixelwise.PixelLoss`: softmax logits and labels, and expect a loss per
  pixel (N, *S);
* :class:`~seglosses.losses.rows.BoxLoss`: aligned boxes (n, 2d), and expect a loss per pair (n,);
  :class:`~seglosses.losses.rows.RotatedBoxLoss`: the same of rotated boxes (n, 5).

Two hooks of :class:`~seglosses.losses.segmentation.SegmentationLoss` come before ``compute``:
``prepare`` changes the batch that is compared, and ``reduce`` is the whole way from that batch to
the result, for losses that fit none of the families. All bases can be imported from here.
"""

from __future__ import annotations

from seglosses.losses.loss import Loss as Loss
from seglosses.losses.loss import LossOptions as LossOptions
from seglosses.losses.loss import default_name as default_name
from seglosses.losses.pixelwise import PixelLoss as PixelLoss
from seglosses.losses.pixelwise import PixelOptions as PixelOptions
from seglosses.losses.rows import BoxLoss as BoxLoss
from seglosses.losses.rows import RotatedBoxLoss as RotatedBoxLoss
from seglosses.losses.segmentation import SegmentationLoss as SegmentationLoss
from seglosses.losses.segmentation import SegOptions as SegOptions
