# Cross-entropy, Dice and the Hausdorff loss, which is in squared pixels and takes a small weight.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.HausdorffDTLoss", loss_weight=0.01),
]
