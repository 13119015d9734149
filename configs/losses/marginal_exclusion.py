# Marginal and exclusion losses, for data sets that label different classes. Needs a model of type
# seglosses.ExtraInputsSegmentor and the step seglosses.AddLabelled in each pipeline; or give all
# four losses the same label_sets.
loss_decode = [
    dict(type="seglosses.MarginalCrossEntropyLoss"),
    dict(type="seglosses.MarginalDiceLoss"),
    dict(type="seglosses.ExclusionCrossEntropyLoss"),
    dict(type="seglosses.ExclusionDiceLoss"),
]
