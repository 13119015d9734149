"""Our losses to which a law does not apply, or whose definition breaks one, and why."""

from __future__ import annotations

_SIGNED = "signed: a perfect prediction costs the negative minimum of its map"
_THINNING = "thinning peels sides in a fixed order, so skeletons of mirror images differ"
_UPDATE = "ranks have no useful derivative; the published update stands in its place"
_COUNTS = "it compares counts of structures, which a wrong label can share"
_SEPARATION = "it prices lines that separate regions, and nothing where there are none"
_UNIT_ERRORS = "a mean over pixels in which an error at the boundary counts 1"
_READING_ORDER = "pixels of equal depth are flipped in reading order"
_RENAMED = "colours say where a region ends, not which class it is"
_ALL_TAUGHT = "the other network gives every class a probability, so that all classes count"
_HARD = "defined for hard labels, and refuses others"
_UNLABELLED = "pixels without a label are what it is for; unlabelled=None ignores them"
#: (class, law) to the reason; the tests and ``seglosses audit`` let these pass
EXEMPT: dict[tuple[str, str], str] = {
    ("ClassRatioKLLoss", "missed_rare_class_costs"): "a hundredth of the image is a small ratio",
    ("DecoupledDistillationFocalLoss", "missed_rare_class_costs"): (
        "its parts are divided by the root of their number already, and D-FINE adds them up"
    ),
    ("EntropyLoss", "wrong_prediction_costs_more"): "does not look at the label",
    ("EntropyLoss", "missed_rare_class_costs"): "does not look at the label",
    ("KFIoULoss", "degenerate_boxes_are_finite"): "its smooth L1 of the centres has no bound",
    ("BoxProjectionLoss", "one_slice_equals_two_dimensions"): "a third axis is a third term",
    ("InfoNCELoss", "perfect_prediction_costs_zero"): "features of two classes stay in its sum",
    ("InfoNCELoss", "wrong_prediction_costs_more"): "an object of one pixel has no second one",
    ("InfoNCELoss", "mirror_images_cost_the_same"): "pixels are paired in reading order",
    **{
        (name, law): reason
        for name in ("PixelContrastLoss", "MixtureContrastLoss", "CentreContrastLoss")
        for law, reason in (
            ("perfect_prediction_costs_zero", "features of two classes stay in its sum"),
            ("wrong_prediction_costs_more", "features that change classes together stay clusters"),
            ("mirror_images_cost_the_same", "pixels are sampled in reading order"),
        )
    },
    ("CentreContrastLoss", "gradient_is_the_derivative"): "its centres are without gradient",
    **{
        ("NormDirectionDistillationLoss", law): "pixels are sampled in reading order"
        for law in ("mirror_images_cost_the_same", "one_label_has_no_sides")
    },
    ("NormDirectionDistillationLoss", "perfect_prediction_costs_zero"): (
        "features of pixels with several labels lie between the centres of these"
    ),
    ("LevelSetLoss", "perfect_prediction_costs_zero"): "around a class there are other colours",
    ("LevelSetLoss", "wrong_prediction_costs_more"): _RENAMED,
    ("LocalPairwiseLoss", "wrong_prediction_costs_more"): _RENAMED,
    ("LocalPairwiseLoss", "missed_rare_class_costs"): _RENAMED,
    ("PairwiseAffinityLoss", "wrong_prediction_costs_more"): _RENAMED,
    ("PairwiseAffinityLoss", "missed_rare_class_costs"): _RENAMED,
    ("SoftClDiceLoss", "all_wrong_is_never_cheaper_in_a_larger_image"): (
        "what is thicker than its erosions reach has no soft skeleton"
    ),
    ("LovaszHingeLoss", "absent_class_does_not_matter"): (
        "its channels do not compete: nothing else would press that of an absent class down"
    ),
    ("JaccardDistillationLoss", "absent_class_does_not_matter"): _ALL_TAUGHT,
    ("BoundaryDistillationLoss", "absent_class_does_not_matter"): _ALL_TAUGHT,
    ("BranchConsistencyLoss", "absent_class_does_not_matter"): _ALL_TAUGHT,
    ("InfoNCELoss", "absent_class_does_not_matter"): (
        "its features are the logits here, and one more changes all similarities"
    ),
    ("MatchabilityAwareLoss", "gradient_is_the_derivative"): "its weights are without gradient",
    ("SquaredEMDLoss", "class_order_is_irrelevant"): "its classes have an order",
    ("IoUAwareBCELoss", "gradient_is_the_derivative"): "its targets are without gradient",
    ("RankSortLoss", "gradient_is_the_derivative"): _UPDATE,
    ("ALRPLoss", "gradient_is_the_derivative"): _UPDATE,
    ("PIoUv2Loss", "distance_never_pays"): (
        "its weight falls with the distance and is part of the loss, as its authors have it"
    ),
    ("MPDIoULoss", "degenerate_boxes_are_finite"): (
        "corners are measured in images, and a box 1e12 pixels away is 1e9 images away"
    ),
    ("KervadecBoundaryLoss", "perfect_prediction_costs_zero"): _SIGNED,
    ("KervadecBoundaryLoss", "missed_rare_class_costs"): _SIGNED,
    ("KervadecBoundaryLoss", "wrong_prediction_costs_more"): (
        "its map is zero on the rim, so shapes of a pixel or two have no price"
    ),
    ("ActiveBoundaryLoss", "wrong_prediction_costs_more"): "renamed labels have the same boundary",
    ("ActiveBoundaryLoss", "missed_rare_class_costs"): "moves predicted boundaries, makes none",
    ("ActiveBoundaryLoss", "mirror_images_cost_the_same"): (
        "a boundary pixel is the one before the change, and the first of equal directions wins"
    ),
    ("ActiveBoundaryLoss", "one_slice_equals_two_dimensions"): "26 directions instead of 8",
    ("ActiveBoundaryLoss", "gradient_is_the_derivative"): (
        "the neighbours that a pixel is compared with are constants of differentiation"
    ),
    ("LovaszHingeLoss", "own_probabilities_are_finite"): _HARD,
    ("LovaszSoftmaxLoss", "own_probabilities_are_finite"): _HARD,
    ("RegionWiseLoss", "perfect_prediction_costs_zero"): _SIGNED,
    ("RegionWiseLoss", "missed_rare_class_costs"): _SIGNED,
    ("SkeletonRecallLoss", "mirror_images_cost_the_same"): _THINNING,
    ("SkeletonRecallLoss", "one_label_has_no_sides"): _THINNING,
    ("CenterlineBoundaryDiceLoss", "mirror_images_cost_the_same"): _THINNING,
    ("CenterlineBoundaryDiceLoss", "one_label_has_no_sides"): _THINNING,
    ("MorseLoss", "mirror_images_cost_the_same"): _THINNING,
    ("MorseLoss", "one_label_has_no_sides"): _THINNING,
    ("SkeletonAwareLoss", "mirror_images_cost_the_same"): _THINNING,
    ("SkeletonAwareLoss", "perfect_prediction_costs_zero"): (
        "as published the label is dilated: pixels beside thin borders count for the border"
    ),
    ("SkeletonToleranceLoss", "mirror_images_cost_the_same"): _THINNING,
    ("MalisLoss", "wrong_prediction_costs_more"): _SEPARATION,
    ("MalisLoss", "missed_rare_class_costs"): _SEPARATION,
    ("CavityLoss", "wrong_prediction_costs_more"): _SEPARATION,
    ("CavityLoss", "every_channel_is_a_foreground"): _SEPARATION,
    ("CavityLoss", "missed_rare_class_costs"): _SEPARATION,
    ("WarpingLoss", "mirror_images_cost_the_same"): _READING_ORDER,
    ("WarpingLoss", "one_label_has_no_sides"): _READING_ORDER,
    ("WarpingLoss", "wrong_prediction_costs_more"): "a wrong label can be a deformation",
    ("TopoLoss", "wrong_prediction_costs_more"): _COUNTS,
    ("TopologicalPriorLoss", "wrong_prediction_costs_more"): _COUNTS,
    ("TotalPersistenceLoss", "wrong_prediction_costs_more"): _COUNTS,
    ("TotalPersistenceLoss", "missed_rare_class_costs"): (
        "it shortens bars that are too many, and asks for none"
    ),
    ("BettiMatchingLoss", "wrong_prediction_costs_more"): (
        "the oldest components belong together, wherever the two lie"
    ),
    ("AccuracyLoss", "missed_rare_class_costs"): "its flaw, which its docstring names",
    ("HausdorffDTLoss", "missed_rare_class_costs"): _UNIT_ERRORS,
    ("LogHausdorffDTLoss", "missed_rare_class_costs"): _UNIT_ERRORS,
    ("HausdorffErosionLoss", "wrong_prediction_costs_more"): "lone pixels survive no erosion",
    ("HausdorffErosionLoss", "one_slice_equals_two_dimensions"): (
        "an erosion averages four neighbours in images and six in volumes"
    ),
    ("SquentropyLoss", "perfect_prediction_costs_zero"): "other logits should be 0, not -40",
    ("LabelSmoothingLoss", "perfect_prediction_costs_zero"): "certainty is what it prices",
    ("MaxSupLoss", "perfect_prediction_costs_zero"): "certainty is what it prices",
    ("MarginSmoothingLoss", "perfect_prediction_costs_zero"): "certainty is what it prices",
    ("ACLSLoss", "perfect_prediction_costs_zero"): "certainty is what it prices",
    **{
        (name, law): "classes that change names keep their relations"
        for name in (
            "PixelAffinityDistillationLoss",
            "FeatureAffinityDistillationLoss",
            "CrossImageDistillationLoss",
        )
        for law in ("wrong_prediction_costs_more",)
    },
    ("CrossImageDistillationLoss", "missed_rare_class_costs"): (
        "a mean over pixels, of which a hundredth relate to others than they should"
    ),
    **{
        ("RMILoss", law): "an information, negative where little is left open; it needs windows"
        for law in (
            "perfect_prediction_costs_zero",
            "missed_rare_class_costs",
            "wrong_prediction_costs_more",
        )
    },
    ("RMILoss", "mirror_images_cost_the_same"): "the cells of its pooling begin at one side",
    ("NACLLoss", "perfect_prediction_costs_zero"): "certainty is what it prices",
    ("SVLSLoss", "perfect_prediction_costs_zero"): "certainty at boundaries is what it prices",
    ("L1ACELoss", "missed_rare_class_costs"): (
        "certain and wrong at a hundredth is an error of a hundredth: .0099999"
    ),
    ("LDRLoss", "perfect_prediction_costs_zero"): "a lead above the margin is rewarded",
    ("LDRLoss", "missed_rare_class_costs"): "the mean is negative where most pixels lead",
    ("SeesawLoss", "gradient_is_the_derivative"): "its weights are without gradient",
    ("SelfAdjustingDiceLoss", "perfect_prediction_costs_zero"): "certain pixels fade, w = 0",
    ("NormalizedCrossEntropyLoss", "missed_rare_class_costs"): "a pixel costs 1/2 at most here",
    ("NormalizedFocalLoss", "missed_rare_class_costs"): "a pixel costs 1/2 at most here",
    ("NormalizedGeneralizedCrossEntropyLoss", "missed_rare_class_costs"): (
        "a pixel costs 1/2 at most here"
    ),
    ("MeanAbsoluteErrorLoss", "missed_rare_class_costs"): "a pixel costs 1 at most: .0099999",
    ("KernelCalibrationLoss", "missed_rare_class_costs"): (
        "certain and wrong at a hundredth is an error of a hundredth: .0099999"
    ),
    **{
        (name, law): reason
        for name in ("GatedCRFLoss", "TreeEnergyLoss")
        for law, reason in (
            ("wrong_prediction_costs_more", _RENAMED),
            ("missed_rare_class_costs", _RENAMED),
            ("ignored_pixels_do_not_matter", _UNLABELLED),
            ("all_ignored_is_a_zero_with_a_graph", _UNLABELLED),
            ("one_valid_pixel_is_enough", _UNLABELLED),
        )
    },
    ("ExclusionDiceLoss", "a_class_weighs_as_a_class"): (
        "it is an overlap with what a pixel is not: all but one class each"
    ),
    ("ExclusionCrossEntropyLoss", "missed_rare_class_costs"): "a pixel costs log 2 at most",
    ("NormalizedFocalLoss", "gradient_is_the_derivative"): "its weights are without gradient",
}
#: The same for a loss of ours with options, by which its definition is another one
EXEMPT_WITH: dict[tuple[str, str], str] = {
    ("AsymmetricLoss(detach=True)", "gradient_is_the_derivative"): (
        "its focusing powers are without gradient, as by default in the authors' program"
    ),
}
