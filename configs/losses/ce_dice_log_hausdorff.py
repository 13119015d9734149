# Cross-entropy, Dice and the logarithm of the Hausdorff loss, of a magnitude like theirs.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.LogHausdorffDTLoss", loss_weight=0.1),
]
