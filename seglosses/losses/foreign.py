"""Options of other libraries, and what to write for them here."""

from __future__ import annotations

#: By name: the library, and what stands for the option. Options that a class does take are its own.
MEANING: dict[str, str] = {
    # MMSegmentation and MMDetection
    "activate": "MMSegmentation, MMDetection: logits are always activated here, leave it out;"
    " ForProbabilities takes what is activated already",
    "activated": "MMDetection: pass raw logits, leave it out; ForProbabilities takes what is"
    " activated already",
    "avg_non_ignore": "MMSegmentation: an option of losses of pixels; losses of whole images"
    " always leave ignored pixels out",
    "eps": "MMSegmentation: write smooth, in pixels; of MMDetection's box losses leave it out, for"
    " nothing here divides by zero",
    "exponent": "MMSegmentation before 1.0: exponent=2 is intersection='norm2', exponent=1 the"
    " default here",
    "loss_type": "MMSegmentation: 'binary' is LovaszHingeLoss, 'multi_class' LovaszSoftmaxLoss",
    "min_kept": "MMSegmentation: an option of OHEMCrossEntropyLoss here",
    "naive_dice": "MMSegmentation, MMDetection: naive_dice=True, without squares, is the default"
    " here, False is DiceLoss(intersection='norm2'); classes are pooled there, average='micro'",
    "per_image": "MMSegmentation, segmentation-models-pytorch: per_image=True is average='image',"
    " False average='dataset'",
    "thres": "MMSegmentation: use OHEMCrossEntropyLoss(threshold=...)",
    "thresh": "MMSegmentation: use OHEMCrossEntropyLoss(threshold=...), or the head's sampler,"
    " OHEMPixelSampler",
    "use_mask": "MMDetection: put the loss of a mask head into ForMaskHead",
    # MONAI
    "batch": "MONAI: batch=True is average='dataset'",
    "include_background": "MONAI: include_background=False is classes='foreground', True is"
    " classes='all'",
    "iter_": "MONAI: write iterations",
    "jaccard": "MONAI: use JaccardLoss",
    "lambda_ce": "MONAI: give two losses, each with its loss_weight",
    "lambda_dice": "MONAI: give two losses, each with its loss_weight",
    "lambda_focal": "MONAI: give two losses, each with its loss_weight",
    "other_act": "MONAI: sigmoid (use_sigmoid=True) and softmax are the activations here",
    "sigmoid": "MONAI: write use_sigmoid=True",
    "smooth_dr": "MONAI: write smooth, one number for numerator and denominator",
    "smooth_nr": "MONAI: write smooth, one number for numerator and denominator",
    "soft_label": "MONAI: soft_label=True is JaccardMetricLoss(alpha=0.5, beta=0.5), with"
    " jaccard=True JaccardMetricLoss(); average='image' as there",
    "softmax": "MONAI: softmax is the default, leave it out",
    "squared_pred": "MONAI: squared_pred=True is intersection='norm2'",
    "to_onehot_y": "MONAI: integer labels are taken as they are, leave it out",
    # segmentation-models-pytorch
    "from_logits": "segmentation-models-pytorch: pass logits, always; leave it out",
    "log_loss": "segmentation-models-pytorch: log_loss=True is JaccardMetricLoss(log=True), with"
    " alpha=beta=0.5 for Dice",
    "mode": "segmentation-models-pytorch: 'multiclass' is the default, 'binary' and 'multilabel'"
    " are use_sigmoid=True",
    "normalized": "segmentation-models-pytorch: this variant of focal loss is not here;"
    " NormalizedFocalLoss divides by a sum over classes, not over pixels",
    "pos_weight": "torch, segmentation-models-pytorch: an option of CrossEntropyLoss; else write"
    " class_weight=[1, pos_weight] for one channel",
    "reduced_threshold": "segmentation-models-pytorch: this variant of focal loss is not here",
    "smooth_factor": "segmentation-models-pytorch: use LabelSmoothingLoss, alpha=smooth_factor for"
    " softmax and twice as much for use_sigmoid",
    # torch
    "label_smoothing": "torch: use LabelSmoothingLoss(alpha=...)",
    "log_target": "torch: targets are labels or probabilities, leave it out",
    "reduce": "torch: write reduction='none' for reduce=False",
    "size_average": "torch: write reduction='mean' or 'sum'",
    "weight": "torch, MONAI: write class_weight, one factor per class, with renormalize=True for"
    " the weighted mean of torch; weights of pixels are an argument of the call",
    # nnU-Net and common names
    "apply_nonlin": "nnU-Net: logits are always activated here, leave it out",
    "batch_dice": "nnU-Net: batch_dice=True is average='dataset'",
    "ddp": "nnU-Net: write sync=True, with average='dataset'",
    "do_bg": "nnU-Net: do_bg=False is classes='foreground', True is classes='all'",
    "ignore_label": "nnU-Net: write ignore_index",
    "n_classes": "classes are counted from the logits, leave it out",
    "name": "write loss_name",
    "num_classes": "classes are counted from the logits, leave it out",
    "use_softmax": "softmax is the default, leave it out",
}
