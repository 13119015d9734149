# Cross-entropy and Dice, and the lengths of bars that the label does not have at a hundredth.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.TotalPersistenceLoss", loss_weight=0.01),
]
