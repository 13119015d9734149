"""Loss modules and the functions beside them; needs torch only.

``seglosses list`` prints every loss with its formula, paper and purpose. One file tells of a family
(``help(seglosses.losses.region)``):

* overlap: region, jaccard_metric, generalized, confusion, lovasz, focal (also pixels);
* pixels: classification, asymmetric, active_passive, noise_robust, label_margins, calibration,
  calibration_kernel, balancing;
* boundaries and structure: boundary, boundary_active, hausdorff, structural;
* lines: centerline, centerline_boundary, skeleton_recall, skeleton_aware;
* topology: topology_matching, topology_barcodes, topology_cavity, topology_paths,
  topology_regions, topology_warping;
* weak labels and volumes: weak, pseudo_labels, box_supervision, projection;
* teachers, features, attributions: distillation, distillation_boundary, contrast, attribution;
* boxes and their scores: box, box_distance, box_modified, box_shape, distribution, quality.

Bases for losses of your own are in :mod:`seglosses.losses.base` and
:mod:`seglosses.losses.classwise`.
"""

from __future__ import annotations

from seglosses.losses.active_passive import (
    ActivePassiveLoss,
    MeanAbsoluteErrorLoss,
    NormalizedCrossEntropyLoss,
    NormalizedFocalLoss,
    NormalizedGeneralizedCrossEntropyLoss,
    ReverseCrossEntropyLoss,
    mean_absolute_error_loss,
    normalized_cross_entropy_loss,
    normalized_focal_loss,
    normalized_generalized_cross_entropy_loss,
    reverse_cross_entropy_loss,
)
from seglosses.losses.asymmetric import (
    AsymmetricLoss,
    SingleLabelAsymmetricLoss,
    asymmetric_loss,
    single_label_asymmetric_loss,
)
from seglosses.losses.attribution import (
    AttributionEnergyLoss,
    RightReasonsLoss,
    attribution_energy_loss,
    right_reasons_loss,
)
from seglosses.losses.balancing import (
    BalancedCrossEntropyLoss,
    balanced_class_weights,
    task_weights,
)
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
from seglosses.losses.box_distance import (
    BoundedIoULoss,
    NormalizedWassersteinLoss,
    bounded_iou_loss,
    normalized_wasserstein_loss,
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
    ShapeIoULoss,
    SIoULoss,
    efficient_iou_loss,
    mpdiou_loss,
    shape_iou_loss,
    siou_loss,
)
from seglosses.losses.box_supervision import (
    LevelSetLoss,
    LocalPairwiseLoss,
    PairwiseAffinityLoss,
    level_set_loss,
    local_pairwise_loss,
    pairwise_affinity_loss,
)
from seglosses.losses.calibration import (
    ACLSLoss,
    LabelSmoothingLoss,
    MarginSmoothingLoss,
    MaxSupLoss,
    acls_loss,
    label_smoothing_loss,
    margin_smoothing_loss,
    max_suppression_loss,
)
from seglosses.losses.calibration_kernel import (
    KernelCalibrationLoss,
    kernel_calibration_loss,
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
from seglosses.losses.classification import (
    CompSumLoss,
    CrossEntropyLoss,
    Poly1CrossEntropyLoss,
    SquentropyLoss,
    comp_sum_loss,
    cross_entropy_loss,
    poly1_cross_entropy_loss,
    squentropy_loss,
)
from seglosses.losses.confusion import (
    AccuracyLoss,
    BalancedAccuracyLoss,
    FBetaLoss,
    GeometricMeanLoss,
    accuracy_loss,
    balanced_accuracy_loss,
    f_beta_loss,
    geometric_mean_loss,
)
from seglosses.losses.contrast import (
    InfoNCELoss,
    info_nce_loss,
)
from seglosses.losses.distillation import (
    BranchConsistencyLoss,
    JaccardDistillationLoss,
    KLDistillationLoss,
    branch_consistency_loss,
    kl_distillation_loss,
)
from seglosses.losses.distillation_boundary import (
    BoundaryDistillationLoss,
    boundary_distillation_loss,
)
from seglosses.losses.distribution import DistributionFocalLoss, distribution_focal_loss
from seglosses.losses.focal import (
    FocalLoss,
    Poly1FocalLoss,
    SelfAdjustingDiceLoss,
    focal_loss,
    poly1_focal_loss,
    self_adjusting_dice_loss,
)
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
    log_hausdorff_dt_loss,
)
from seglosses.losses.jaccard_metric import JaccardMetricLoss, jaccard_metric_loss
from seglosses.losses.label_margins import (
    CrammerSingerLoss,
    LDRLoss,
    WestonWatkinsLoss,
    crammer_singer_loss,
    ldr_loss,
    weston_watkins_loss,
)
from seglosses.losses.lovasz import (
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    lovasz_hinge_loss,
    lovasz_softmax_loss,
)
from seglosses.losses.noise_robust import (
    AGCELoss,
    AULLoss,
    GeneralizedCrossEntropyLoss,
    JensenShannonLoss,
    agce_loss,
    aul_loss,
    generalized_cross_entropy_loss,
    jensen_shannon_loss,
)
from seglosses.losses.projection import (
    BoxProjectionLoss,
    MIPLoss,
    box_projection_loss,
    mip_loss,
)
from seglosses.losses.pseudo_labels import (
    BoundaryCrossEntropyLoss,
    ConfidenceWeightedCrossEntropyLoss,
    boundary_cross_entropy_loss,
    confidence_threshold,
    confidence_weighted_cross_entropy_loss,
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
    TverskyLoss,
    dice_loss,
    focal_tversky_loss,
    jaccard_loss,
    tversky_loss,
)
from seglosses.losses.skeleton_aware import (
    MorseLoss,
    SkeletonAwareLoss,
    morse_loss,
    skeleton_aware_loss,
)
from seglosses.losses.skeleton_recall import (
    SkeletonRecallLoss,
    skeleton_recall_loss,
)
from seglosses.losses.structural import (
    SSIMLoss,
    ssim_loss,
)
from seglosses.losses.topology_barcodes import (
    TopologicalPriorLoss,
    TopoLoss,
    topo_loss,
    topological_prior_loss,
)
from seglosses.losses.topology_cavity import (
    CavityLoss,
    cavity_loss,
)
from seglosses.losses.topology_matching import (
    BettiMatchingLoss,
    betti_matching_loss,
)
from seglosses.losses.topology_paths import (
    MalisLoss,
    malis_distance_loss,
    malis_loss,
)
from seglosses.losses.topology_regions import (
    SupervoxelLoss,
    TopographLoss,
    supervoxel_loss,
    topograph_loss,
)
from seglosses.losses.topology_warping import (
    WarpingLoss,
    warping_loss,
)
from seglosses.losses.weak import (
    ClassRatioKLLoss,
    EntropyLoss,
    class_ratio_kl_loss,
    entropy_loss,
    soft_class_ratios,
)
from seglosses.soft_labels import smooth_boundary_labels

__all__ = [
    "ACLSLoss",
    "AGCELoss",
    "AULLoss",
    "AccuracyLoss",
    "ActiveBoundaryLoss",
    "ActivePassiveLoss",
    "AlphaIoULoss",
    "AsymmetricLoss",
    "AttributionEnergyLoss",
    "BalancedAccuracyLoss",
    "BalancedCrossEntropyLoss",
    "BettiMatchingLoss",
    "BoundaryCrossEntropyLoss",
    "BoundaryDistillationLoss",
    "BoundedIoULoss",
    "BoxProjectionLoss",
    "BranchConsistencyLoss",
    "CIoULoss",
    "CavityLoss",
    "CenterlineBoundaryDiceLoss",
    "CenterlineCrossEntropyLoss",
    "ClassRatioKLLoss",
    "CompSumLoss",
    "ConfidenceWeightedCrossEntropyLoss",
    "CrammerSingerLoss",
    "CrossEntropyLoss",
    "DIoULoss",
    "DiceLoss",
    "DistributionFocalLoss",
    "EfficientIoULoss",
    "EntropyLoss",
    "FBetaLoss",
    "FocalLoss",
    "FocalTverskyLoss",
    "FocalerIoULoss",
    "GIoULoss",
    "GeneralizedCrossEntropyLoss",
    "GeneralizedDiceLoss",
    "GeometricMeanLoss",
    "HausdorffDTLoss",
    "HausdorffErosionLoss",
    "InfoNCELoss",
    "InnerIoULoss",
    "IoULoss",
    "JaccardDistillationLoss",
    "JaccardLoss",
    "JaccardMetricLoss",
    "JensenShannonLoss",
    "KLDistillationLoss",
    "KernelCalibrationLoss",
    "KervadecBoundaryLoss",
    "LDRLoss",
    "LabelSmoothingLoss",
    "LevelSetLoss",
    "LocalPairwiseLoss",
    "LogHausdorffDTLoss",
    "LovaszHingeLoss",
    "LovaszSoftmaxLoss",
    "MIPLoss",
    "MPDIoULoss",
    "MalisLoss",
    "MarginSmoothingLoss",
    "MatchabilityAwareLoss",
    "MaxSupLoss",
    "MeanAbsoluteErrorLoss",
    "MorseLoss",
    "NormalizedCrossEntropyLoss",
    "NormalizedFocalLoss",
    "NormalizedGeneralizedCrossEntropyLoss",
    "NormalizedWassersteinLoss",
    "PairwiseAffinityLoss",
    "Poly1CrossEntropyLoss",
    "Poly1FocalLoss",
    "QualityFocalLoss",
    "RegionWiseLoss",
    "ReverseCrossEntropyLoss",
    "RightReasonsLoss",
    "SIoULoss",
    "SSIMLoss",
    "SelfAdjustingDiceLoss",
    "ShapeIoULoss",
    "SingleLabelAsymmetricLoss",
    "SkeletonAwareLoss",
    "SkeletonRecallLoss",
    "SoftClDiceLoss",
    "SquentropyLoss",
    "SupervoxelLoss",
    "TopoLoss",
    "TopographLoss",
    "TopologicalPriorLoss",
    "TverskyLoss",
    "UnifiedFocalLoss",
    "VarifocalLoss",
    "WarpingLoss",
    "WestonWatkinsLoss",
    "WiseIoULoss",
    "accuracy_loss",
    "acls_loss",
    "active_boundary_loss",
    "agce_loss",
    "asymmetric_loss",
    "attribution_energy_loss",
    "aul_loss",
    "balanced_accuracy_loss",
    "balanced_class_weights",
    "betti_matching_loss",
    "boundary_cross_entropy_loss",
    "boundary_distillation_loss",
    "boundary_loss",
    "bounded_iou_loss",
    "box_projection_loss",
    "branch_consistency_loss",
    "cavity_loss",
    "centerline_boundary_dice_loss",
    "centerline_cross_entropy_loss",
    "ciou_loss",
    "class_ratio_kl_loss",
    "comp_sum_loss",
    "confidence_threshold",
    "confidence_weighted_cross_entropy_loss",
    "crammer_singer_loss",
    "cross_entropy_loss",
    "dice_loss",
    "diou_loss",
    "distribution_focal_loss",
    "efficient_iou_loss",
    "entropy_loss",
    "f_beta_loss",
    "focal_loss",
    "focal_tversky_loss",
    "generalized_cross_entropy_loss",
    "generalized_dice_loss",
    "geometric_mean_loss",
    "giou_loss",
    "hausdorff_dt_loss",
    "hausdorff_erosion_loss",
    "info_nce_loss",
    "iou_loss",
    "jaccard_loss",
    "jaccard_metric_loss",
    "jensen_shannon_loss",
    "kernel_calibration_loss",
    "kl_distillation_loss",
    "label_smoothing_loss",
    "ldr_loss",
    "level_set_loss",
    "local_pairwise_loss",
    "log_hausdorff_dt_loss",
    "lovasz_hinge_loss",
    "lovasz_softmax_loss",
    "malis_distance_loss",
    "malis_loss",
    "margin_smoothing_loss",
    "matchability_aware_loss",
    "max_suppression_loss",
    "mean_absolute_error_loss",
    "mip_loss",
    "morse_loss",
    "mpdiou_loss",
    "normalized_cross_entropy_loss",
    "normalized_focal_loss",
    "normalized_generalized_cross_entropy_loss",
    "normalized_wasserstein_loss",
    "pairwise_affinity_loss",
    "poly1_cross_entropy_loss",
    "poly1_focal_loss",
    "quality_focal_loss",
    "rectified_region_map",
    "region_wise_loss",
    "reverse_cross_entropy_loss",
    "right_reasons_loss",
    "self_adjusting_dice_loss",
    "shape_iou_loss",
    "single_label_asymmetric_loss",
    "siou_loss",
    "skeleton_aware_loss",
    "skeleton_recall_loss",
    "smooth_boundary_labels",
    "soft_class_ratios",
    "soft_cldice_loss",
    "squentropy_loss",
    "ssim_loss",
    "supervoxel_loss",
    "task_weights",
    "topo_loss",
    "topograph_loss",
    "topological_prior_loss",
    "tversky_loss",
    "unified_focal_loss",
    "varifocal_loss",
    "warping_loss",
    "weston_watkins_loss",
    "wise_iou_loss",
]
