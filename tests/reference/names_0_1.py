"""Names that version 0.1 exported, by package, and where its losses were defined."""

from __future__ import annotations

EXPORTED = {
    "seglosses.audit": "Verdict add_arguments as_markdown as_text audit run",
    "seglosses.benchmark": "add_arguments run",
    "seglosses.converge": (
        "CASES PUBLISHED add_arguments cases corners descend follow half_time run"
    ),
    "seglosses.demo": "add_arguments run",
    "seglosses.evaluate": "Evaluation Failure IncompleteError Options add_arguments evaluate run",
    "seglosses.laws": "EXEMPT Finding Law LawBrokenError Subject examine laws_of",
    "seglosses.losses": (
        "ACLSLoss AGCELoss AULLoss AccuracyLoss ActiveBoundaryLoss ActivePassiveLoss "
        "AlphaIoULoss AsymmetricLoss AttributionEnergyLoss BalancedAccuracyLoss "
        "BalancedCrossEntropyLoss BettiMatchingLoss BoundaryCrossEntropyLoss "
        "BoundaryDistillationLoss BoundedIoULoss BoxProjectionLoss BranchConsistencyLoss "
        "CIoULoss CavityLoss CenterlineBoundaryDiceLoss CenterlineCrossEntropyLoss "
        "ClassRatioKLLoss CompSumLoss ConfidenceWeightedCrossEntropyLoss CrammerSingerLoss "
        "CrossEntropyLoss DIoULoss DiceLoss DistributionFocalLoss EfficientIoULoss "
        "EntropyLoss FBetaLoss FocalLoss FocalTverskyLoss FocalerIoULoss GIoULoss "
        "GeneralizedCrossEntropyLoss GeneralizedDiceLoss GeometricMeanLoss HausdorffDTLoss "
        "HausdorffErosionLoss InfoNCELoss InnerIoULoss IoULoss JaccardDistillationLoss "
        "JaccardLoss JaccardMetricLoss JensenShannonLoss KLDistillationLoss "
        "KernelCalibrationLoss KervadecBoundaryLoss LDRLoss LabelSmoothingLoss LevelSetLoss "
        "LocalPairwiseLoss LogHausdorffDTLoss LovaszHingeLoss LovaszSoftmaxLoss MIPLoss "
        "MPDIoULoss MalisLoss MarginSmoothingLoss MatchabilityAwareLoss MaxSupLoss "
        "MeanAbsoluteErrorLoss MorseLoss NormalizedCrossEntropyLoss NormalizedFocalLoss "
        "NormalizedGeneralizedCrossEntropyLoss NormalizedWassersteinLoss PairwiseAffinityLoss "
        "Poly1CrossEntropyLoss Poly1FocalLoss QualityFocalLoss RegionWiseLoss "
        "ReverseCrossEntropyLoss RightReasonsLoss SIoULoss SSIMLoss SelfAdjustingDiceLoss "
        "ShapeIoULoss SingleLabelAsymmetricLoss SkeletonAwareLoss SkeletonRecallLoss "
        "SoftClDiceLoss SquentropyLoss SupervoxelLoss TopoLoss TopographLoss "
        "TopologicalPriorLoss TverskyLoss UnifiedFocalLoss VarifocalLoss WarpingLoss "
        "WestonWatkinsLoss WiseIoULoss accuracy_loss acls_loss active_boundary_loss agce_loss "
        "asymmetric_loss attribution_energy_loss aul_loss balanced_accuracy_loss "
        "balanced_class_weights betti_matching_loss boundary_cross_entropy_loss "
        "boundary_distillation_loss boundary_loss bounded_iou_loss box_projection_loss "
        "branch_consistency_loss cavity_loss centerline_boundary_dice_loss "
        "centerline_cross_entropy_loss ciou_loss class_ratio_kl_loss comp_sum_loss "
        "confidence_threshold confidence_weighted_cross_entropy_loss crammer_singer_loss "
        "cross_entropy_loss dice_loss diou_loss distribution_focal_loss efficient_iou_loss "
        "entropy_loss f_beta_loss focal_loss focal_tversky_loss "
        "generalized_cross_entropy_loss generalized_dice_loss geometric_mean_loss giou_loss "
        "hausdorff_dt_loss hausdorff_erosion_loss info_nce_loss iou_loss jaccard_loss "
        "jaccard_metric_loss jensen_shannon_loss kernel_calibration_loss kl_distillation_loss "
        "label_smoothing_loss ldr_loss level_set_loss local_pairwise_loss "
        "log_hausdorff_dt_loss lovasz_hinge_loss lovasz_softmax_loss malis_distance_loss "
        "malis_loss margin_smoothing_loss matchability_aware_loss max_suppression_loss "
        "mean_absolute_error_loss mip_loss morse_loss mpdiou_loss "
        "normalized_cross_entropy_loss normalized_focal_loss "
        "normalized_generalized_cross_entropy_loss normalized_wasserstein_loss "
        "pairwise_affinity_loss poly1_cross_entropy_loss poly1_focal_loss quality_focal_loss "
        "rectified_region_map region_wise_loss reverse_cross_entropy_loss right_reasons_loss "
        "self_adjusting_dice_loss shape_iou_loss single_label_asymmetric_loss siou_loss "
        "skeleton_aware_loss skeleton_recall_loss smooth_boundary_labels soft_class_ratios "
        "soft_cldice_loss squentropy_loss ssim_loss supervoxel_loss task_weights topo_loss "
        "topograph_loss topological_prior_loss tversky_loss unified_focal_loss varifocal_loss "
        "warping_loss weston_watkins_loss wise_iou_loss"
    ),
    "seglosses.metrics": (
        "Bins EmptyPolicy LineScores Pair StructureErrors adapted_rand assd betti_error "
        "betti_matching_error boundary_band boundary_f boundary_iou brier_score cldice dice "
        "diu euler_error expected_calibration_error hd95 hd95_directed iou line_scores nsd "
        "nsd_length panoptic_quality reliability structure_errors variation_of_information "
        "windowed_betti_errors"
    ),
    "seglosses.openmmlab": (
        "appearance datasets detection detection_metric extra_inputs hooks mask_heads "
        "predictions scores topology_metric transforms visualization"
    ),
    "seglosses.openmmlab.extra_inputs": "AddSignedDistance ExtraInputs ExtraInputsSegmentor",
    "seglosses.suppression": "diou_nms",
    "seglosses.topology": (
        "Barcode Matching MatchingError betti_matching betti_matching_batch betti_numbers "
        "euler_number label_components matching_error persistence"
    ),
}

DEFINED = {
    "seglosses.losses.active_passive": (
        "ActivePassiveLoss MeanAbsoluteErrorLoss NormalizedCrossEntropyLoss "
        "NormalizedFocalLoss NormalizedGeneralizedCrossEntropyLoss ReverseCrossEntropyLoss "
        "mean_absolute_error_loss normalized_cross_entropy_loss normalized_focal_loss "
        "normalized_generalized_cross_entropy_loss reverse_cross_entropy_loss"
    ),
    "seglosses.losses.asymmetric": (
        "AsymmetricLoss SingleLabelAsymmetricLoss asymmetric_loss single_label_asymmetric_loss"
    ),
    "seglosses.losses.attribution": (
        "AttributionEnergyLoss RightReasonsLoss attribution_energy_loss right_reasons_loss"
    ),
    "seglosses.losses.balancing": "BalancedCrossEntropyLoss balanced_class_weights task_weights",
    "seglosses.losses.boundary": (
        "KervadecBoundaryLoss RegionWiseLoss boundary_loss rectified_region_map region_wise_loss"
    ),
    "seglosses.losses.boundary_active": "ActiveBoundaryLoss active_boundary_loss",
    "seglosses.losses.box": (
        "CIoULoss DIoULoss GIoULoss IoULoss ciou_loss diou_loss giou_loss iou_loss"
    ),
    "seglosses.losses.box_distance": (
        "BoundedIoULoss NormalizedWassersteinLoss bounded_iou_loss normalized_wasserstein_loss"
    ),
    "seglosses.losses.box_modified": (
        "AlphaIoULoss FocalerIoULoss InnerIoULoss WiseIoULoss wise_iou_loss"
    ),
    "seglosses.losses.box_shape": (
        "EfficientIoULoss MPDIoULoss SIoULoss ShapeIoULoss efficient_iou_loss mpdiou_loss "
        "shape_iou_loss siou_loss"
    ),
    "seglosses.losses.box_supervision": (
        "LevelSetLoss LocalPairwiseLoss PairwiseAffinityLoss level_set_loss "
        "local_pairwise_loss pairwise_affinity_loss"
    ),
    "seglosses.losses.calibration": (
        "ACLSLoss LabelSmoothingLoss MarginSmoothingLoss MaxSupLoss acls_loss "
        "label_smoothing_loss margin_smoothing_loss max_suppression_loss"
    ),
    "seglosses.losses.calibration_kernel": "KernelCalibrationLoss kernel_calibration_loss",
    "seglosses.losses.centerline": (
        "CenterlineCrossEntropyLoss SoftClDiceLoss centerline_cross_entropy_loss soft_cldice_loss"
    ),
    "seglosses.losses.centerline_boundary": (
        "CenterlineBoundaryDiceLoss centerline_boundary_dice_loss"
    ),
    "seglosses.losses.classification": (
        "CompSumLoss CrossEntropyLoss Poly1CrossEntropyLoss SquentropyLoss comp_sum_loss "
        "cross_entropy_loss poly1_cross_entropy_loss squentropy_loss"
    ),
    "seglosses.losses.confusion": (
        "AccuracyLoss BalancedAccuracyLoss FBetaLoss GeometricMeanLoss accuracy_loss "
        "balanced_accuracy_loss f_beta_loss geometric_mean_loss"
    ),
    "seglosses.losses.contrast": "InfoNCELoss info_nce_loss",
    "seglosses.losses.distillation": (
        "BranchConsistencyLoss JaccardDistillationLoss KLDistillationLoss "
        "branch_consistency_loss kl_distillation_loss"
    ),
    "seglosses.losses.distillation_boundary": "BoundaryDistillationLoss boundary_distillation_loss",
    "seglosses.losses.distribution": "DistributionFocalLoss distribution_focal_loss",
    "seglosses.losses.focal": (
        "FocalLoss Poly1FocalLoss SelfAdjustingDiceLoss focal_loss poly1_focal_loss "
        "self_adjusting_dice_loss"
    ),
    "seglosses.losses.generalized": (
        "GeneralizedDiceLoss UnifiedFocalLoss generalized_dice_loss unified_focal_loss"
    ),
    "seglosses.losses.hausdorff": (
        "HausdorffDTLoss HausdorffErosionLoss LogHausdorffDTLoss hausdorff_dt_loss "
        "hausdorff_erosion_loss log_hausdorff_dt_loss"
    ),
    "seglosses.losses.jaccard_metric": "JaccardMetricLoss jaccard_metric_loss",
    "seglosses.losses.label_margins": (
        "CrammerSingerLoss LDRLoss WestonWatkinsLoss crammer_singer_loss ldr_loss "
        "weston_watkins_loss"
    ),
    "seglosses.losses.lovasz": (
        "LovaszHingeLoss LovaszSoftmaxLoss lovasz_hinge_loss lovasz_softmax_loss"
    ),
    "seglosses.losses.noise_robust": (
        "AGCELoss AULLoss GeneralizedCrossEntropyLoss JensenShannonLoss agce_loss aul_loss "
        "generalized_cross_entropy_loss jensen_shannon_loss"
    ),
    "seglosses.losses.projection": "BoxProjectionLoss MIPLoss box_projection_loss mip_loss",
    "seglosses.losses.pseudo_labels": (
        "BoundaryCrossEntropyLoss ConfidenceWeightedCrossEntropyLoss "
        "boundary_cross_entropy_loss confidence_threshold "
        "confidence_weighted_cross_entropy_loss"
    ),
    "seglosses.losses.quality": (
        "MatchabilityAwareLoss QualityFocalLoss VarifocalLoss matchability_aware_loss "
        "quality_focal_loss varifocal_loss"
    ),
    "seglosses.losses.region": (
        "DiceLoss FocalTverskyLoss JaccardLoss TverskyLoss dice_loss focal_tversky_loss "
        "jaccard_loss tversky_loss"
    ),
    "seglosses.losses.skeleton_aware": "MorseLoss SkeletonAwareLoss morse_loss skeleton_aware_loss",
    "seglosses.losses.skeleton_recall": "SkeletonRecallLoss skeleton_recall_loss",
    "seglosses.losses.structural": "SSIMLoss ssim_loss",
    "seglosses.losses.topology_barcodes": (
        "TopoLoss TopologicalPriorLoss topo_loss topological_prior_loss"
    ),
    "seglosses.losses.topology_cavity": "CavityLoss cavity_loss",
    "seglosses.losses.topology_matching": "BettiMatchingLoss betti_matching_loss",
    "seglosses.losses.topology_paths": "MalisLoss malis_distance_loss malis_loss",
    "seglosses.losses.topology_regions": (
        "SupervoxelLoss TopographLoss supervoxel_loss topograph_loss"
    ),
    "seglosses.losses.topology_warping": "WarpingLoss warping_loss",
    "seglosses.losses.weak": (
        "ClassRatioKLLoss EntropyLoss class_ratio_kl_loss entropy_loss soft_class_ratios"
    ),
}
