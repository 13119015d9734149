# Data sets that label different classes: with seglosses.ExtraInputsSegmentor and the step
# seglosses.AddLabelled in each pipeline; or give all four the same label_sets.
loss_decode = [
    dict(type="seglosses.MarginalCrossEntropyLoss"),
    dict(type="seglosses.MarginalDiceLoss"),
    dict(type="seglosses.ExclusionCrossEntropyLoss"),
    dict(type="seglosses.ExclusionDiceLoss"),
]
