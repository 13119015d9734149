# Cross-entropy, Dice and the boundary loss, which is signed and needs a region term beside it.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.KervadecBoundaryLoss", loss_weight=0.01),
]
