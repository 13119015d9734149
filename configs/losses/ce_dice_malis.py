# Cross-entropy and Dice, with MalisLoss: it looks at the max-min paths between regions.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.MalisLoss", loss_weight=1.0),
]
