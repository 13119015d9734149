# Cross-entropy and Dice, with Topograph at a tenth: it prices critical regions only.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.TopographLoss", loss_weight=0.1),
]
