"""How the losses of each package take their input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Adapter:
    """How a package's losses want their input.

    Args:
        package: Where a name without a path is looked up.
        make: Constructor (or, for functions, keyword) arguments for several classes, given where
            the signature takes them and the TYPE does not state them; ``None`` if only one channel
            is served.
        make_one: The same for one foreground channel; ``None`` if one-channel heads are not served.
        call: Keyword arguments of each call, given where the signature takes them.
        channel_axis: Labels are (N, 1, *S) for several classes and for one.
        dims: Spatial dimensions.
        activated: Probabilities are given in place of logits.
        one_hot: Labels are given as indicators, float (N, C, *S).
        volumes: Images are given as volumes of one slice.
        rows: Pixels are given as rows, (N P, C) and (N P,).
        soft: Dense float targets are taken, too.
        definition: The loss of ours that has the same definition, with options where these make it:
            what it need not keep, this one need not either.
        waived: Laws that its definition contradicts, and why, where none of ours has it.
        skipped: The loss returns ``None`` where there is nothing to price, and its users skip it:
            read as a zero with a graph.
        prepare: Dotted path of the function that makes targets from the indicators of one image,
            an array (C, *S) of the type of the labels.
    """

    package: str = ""
    make: Mapping[str, object] | None = field(default_factory=dict)
    make_one: Mapping[str, object] | None = None
    call: Mapping[str, object] = field(default_factory=dict)
    channel_axis: tuple[bool, bool] = (False, False)
    dims: tuple[int, ...] = (2,)
    activated: bool = False
    one_hot: bool = False
    volumes: bool = False
    rows: bool = False
    soft: bool = False
    definition: str = ""
    waived: Mapping[str, str] = field(default_factory=dict)
    skipped: bool = False
    prepare: str = ""


_SMP = Adapter(
    "segmentation_models_pytorch.losses",
    {"mode": "multiclass", "ignore_index": 255},
    {"mode": "binary", "ignore_index": 255},
    channel_axis=(False, True),
)
_MMSEG = Adapter(
    "mmseg.models.losses",
    make_one={"use_sigmoid": True, "loss_type": "binary"},
    call={"ignore_index": 255},
)
_MMDET = Adapter("mmdet.models.losses")
_MONAI = Adapter(
    "monai.losses",
    {"softmax": True, "use_softmax": True, "to_onehot_y": True, "ignore_index": 255},
    {"sigmoid": True, "ignore_index": 255},
    channel_axis=(True, True),
    dims=(2, 3),
)
ADAPTERS: dict[str, Adapter] = {
    "seglosses": Adapter(
        "seglosses.losses", make_one={"use_sigmoid": True}, dims=(2, 3), soft=True
    ),
    "mmseg": _MMSEG,
    "mmdet": _MMDET,
    "mmdet.SIoULoss": replace(
        _MMDET,
        waived={"distance_never_pays": "its shape term falls with the distance; neg_gamma=True"},
    ),
    "monai": _MONAI,
    "kornia": Adapter("kornia.losses", {"ignore_index": 255}),
    "monai.HausdorffDTLoss": replace(_MONAI, definition="HausdorffDTLoss"),
    "mmseg.HuasdorffDisstanceLoss": replace(_MMSEG, definition="HausdorffDTLoss"),
    "segmentation_models_pytorch": _SMP,
    "smp": _SMP,
    # losses in the repositories of papers, where a checkout is on the path
    "active_boundary_loss.abl.ABL": Adapter(
        make={"ignore_label": 255}, definition="ActiveBoundaryLoss", skipped=True
    ),
    "calibrate.losses.acls.ACLS": Adapter(
        make={"ignore_index": 255, "num_classes": 3}, definition="ACLSLoss"
    ),
    "calibrate.losses.logit_margin_l1.LogitMarginL1": Adapter(
        make={"ignore_index": 255}, definition="MarginSmoothingLoss"
    ),
    "dice_loss.GDiceLoss": Adapter(activated=True, volumes=True),
    "loss_utils.DiceLoss": Adapter(make_one={}, activated=True, one_hot=True),
    "loss.NormalizedReverseCrossEntropy": Adapter(make={"num_classes": 3}, rows=True),
    "losses.SurfaceLoss": Adapter(
        activated=True, definition="KervadecBoundaryLoss", prepare="utils.one_hot2dist"
    ),
    "losses.jdt_loss.JDTLoss": Adapter(make={"ignore_index": 255}, soft=True),
    "lovasz_losses.lovasz_softmax": Adapter(make={"ignore": 255}, activated=True),
    "pytorch_iou.IOU": Adapter(make=None, make_one={}, activated=True, one_hot=True),
    "src.loss_functions.losses.AsymmetricLoss": Adapter(
        one_hot=True, definition="AsymmetricLoss(detach=True)"
    ),
    "utils.loss_function.DiceLoss": Adapter(make=None, make_one={}, activated=True, one_hot=True),
}

#: What ``--peers`` runs: the losses for which users leave these packages.
PEERS = (
    "mmseg.CrossEntropyLoss",
    "mmseg.DiceLoss",
    "mmseg.DiceLoss(use_sigmoid=False, naive_dice=True)",
    "mmseg.TverskyLoss",
    "mmseg.FocalLoss",
    "mmseg.LovaszLoss",
    "mmseg.LovaszLoss(per_image=True)",
    "mmseg.LovaszLoss(reduction='none')",
    "mmseg.HuasdorffDisstanceLoss",
    "mmseg.OhemCrossEntropy",
    "mmdet.IoULoss",
    "mmdet.GIoULoss",
    "mmdet.DIoULoss",
    "mmdet.CIoULoss",
    "mmdet.EIoULoss",
    "mmdet.SIoULoss",
    "mmdet.SIoULoss(neg_gamma=True)",
    "monai.DiceLoss",
    "monai.GeneralizedDiceLoss",
    "monai.TverskyLoss",
    "monai.FocalLoss",
    "monai.HausdorffDTLoss",
    "kornia.dice_loss",
    "kornia.dice_loss(average='macro')",
    "kornia.tversky_loss(alpha=0.3, beta=0.7)",
    "kornia.lovasz_softmax_loss",
    "kornia.focal_loss(alpha=0.5, reduction='mean')",
    "smp.DiceLoss",
    "smp.JaccardLoss",
    "smp.TverskyLoss(gamma=0.75)",
    "smp.LovaszLoss",
    "smp.FocalLoss",
)
