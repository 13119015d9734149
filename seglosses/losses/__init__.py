"""Loss modules and the functions beside them; needs torch only.

Bases for losses of your own are in :mod:`seglosses.losses.base` and
:mod:`seglosses.losses.classwise`.
"""

from __future__ import annotations

from seglosses.losses.boundary import (
    KervadecBoundaryLoss,
    RegionWiseLoss,
    boundary_loss,
    rectified_region_map,
    region_wise_loss,
)
from seglosses.losses.boundary_active import (
    ActiveBoundaryLoss,
    active_boundary_loss,
)
from seglosses.losses.box import (
    CIoULoss,
    DIoULoss,
    GIoULoss,
    IoULoss,
    ciou_loss,
    diou_loss,
    giou_loss,
    iou_loss,
)
from seglosses.losses.box_modified import (
    AlphaIoULoss,
    FocalerIoULoss,
    InnerIoULoss,
    WiseIoULoss,
    wise_iou_loss,
)
from seglosses.losses.box_shape import (
    EfficientIoULoss,
    MPDIoULoss,
    NormalizedWassersteinLoss,
    ShapeIoULoss,
    SIoULoss,
    efficient_iou_loss,
    mpdiou_loss,
    normalized_wasserstein_loss,
    shape_iou_loss,
    siou_loss,
)
from seglosses.losses.centerline import (
    CenterlineCrossEntropyLoss,
    SoftClDiceLoss,
    centerline_cross_entropy_loss,
    soft_cldice_loss,
)
from seglosses.losses.centerline_boundary import (
    CenterlineBoundaryDiceLoss,
    centerline_boundary_dice_loss,
)
from seglosses.losses.classification import CrossEntropyLoss, cross_entropy_loss
from seglosses.losses.confusion import (
    BalancedAccuracyLoss,
    FBetaLoss,
    GeometricMeanLoss,
    balanced_accuracy_loss,
    f_beta_loss,
    geometric_mean_loss,
)
from seglosses.losses.distillation import (
    BoundaryDistillationLoss,
    BranchConsistencyLoss,
    JaccardDistillationLoss,
    KLDistillationLoss,
    boundary_distillation_loss,
    branch_consistency_loss,
    kl_distillation_loss,
)
from seglosses.losses.distribution import DistributionFocalLoss, distribution_focal_loss
from seglosses.losses.generalized import (
    GeneralizedDiceLoss,
    UnifiedFocalLoss,
    generalized_dice_loss,
    unified_focal_loss,
)
from seglosses.losses.hausdorff import (
    HausdorffDTLoss,
    HausdorffErosionLoss,
    LogHausdorffDTLoss,
    hausdorff_dt_loss,
    hausdorff_erosion_loss,
)
from seglosses.losses.lovasz import (
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    lovasz_hinge_loss,
    lovasz_softmax_loss,
)
from seglosses.losses.quality import (
    MatchabilityAwareLoss,
    QualityFocalLoss,
    VarifocalLoss,
    matchability_aware_loss,
    quality_focal_loss,
    varifocal_loss,
)
from seglosses.losses.region import (
    DiceLoss,
    FocalTverskyLoss,
    JaccardLoss,
    JaccardMetricLoss,
    TverskyLoss,
    dice_loss,
    focal_tversky_loss,
    jaccard_loss,
    jaccard_metric_loss,
    tversky_loss,
)
from seglosses.losses.skeleton_recall import SkeletonRecallLoss, skeleton_recall_loss
from seglosses.losses.structural import (
    SSIMLoss,
    ssim_loss,
)
from seglosses.losses.topology_regions import (
    SupervoxelLoss,
    TopographLoss,
    supervoxel_loss,
    topograph_loss,
)

__all__ = [
    "ActiveBoundaryLoss",
    "AlphaIoULoss",
    "BalancedAccuracyLoss",
    "BoundaryDistillationLoss",
    "BranchConsistencyLoss",
    "CIoULoss",
    "CenterlineBoundaryDiceLoss",
    "CenterlineCrossEntropyLoss",
    "CrossEntropyLoss",
    "DIoULoss",
    "DiceLoss",
    "DistributionFocalLoss",
    "EfficientIoULoss",
    "FBetaLoss",
    "FocalTverskyLoss",
    "FocalerIoULoss",
    "GIoULoss",
    "GeneralizedDiceLoss",
    "GeometricMeanLoss",
    "HausdorffDTLoss",
    "HausdorffErosionLoss",
    "InnerIoULoss",
    "IoULoss",
    "JaccardDistillationLoss",
    "JaccardLoss",
    "JaccardMetricLoss",
    "KLDistillationLoss",
    "KervadecBoundaryLoss",
    "LogHausdorffDTLoss",
    "LovaszHingeLoss",
    "LovaszSoftmaxLoss",
    "MPDIoULoss",
    "MatchabilityAwareLoss",
    "NormalizedWassersteinLoss",
    "QualityFocalLoss",
    "RegionWiseLoss",
    "SIoULoss",
    "SSIMLoss",
    "ShapeIoULoss",
    "SkeletonRecallLoss",
    "SoftClDiceLoss",
    "SupervoxelLoss",
    "TopographLoss",
    "TverskyLoss",
    "UnifiedFocalLoss",
    "VarifocalLoss",
    "WiseIoULoss",
    "active_boundary_loss",
    "balanced_accuracy_loss",
    "boundary_distillation_loss",
    "boundary_loss",
    "branch_consistency_loss",
    "centerline_boundary_dice_loss",
    "centerline_cross_entropy_loss",
    "ciou_loss",
    "cross_entropy_loss",
    "dice_loss",
    "diou_loss",
    "distribution_focal_loss",
    "efficient_iou_loss",
    "f_beta_loss",
    "focal_tversky_loss",
    "generalized_dice_loss",
    "geometric_mean_loss",
    "giou_loss",
    "hausdorff_dt_loss",
    "hausdorff_erosion_loss",
    "iou_loss",
    "jaccard_loss",
    "jaccard_metric_loss",
    "kl_distillation_loss",
    "lovasz_hinge_loss",
    "lovasz_softmax_loss",
    "matchability_aware_loss",
    "mpdiou_loss",
    "normalized_wasserstein_loss",
    "quality_focal_loss",
    "rectified_region_map",
    "region_wise_loss",
    "shape_iou_loss",
    "siou_loss",
    "skeleton_recall_loss",
    "soft_cldice_loss",
    "ssim_loss",
    "supervoxel_loss",
    "topograph_loss",
    "tversky_loss",
    "unified_focal_loss",
    "varifocal_loss",
    "wise_iou_loss",
]
