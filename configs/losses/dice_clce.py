# Dice and centre-line cross-entropy, as in its paper.
loss_decode = [
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.CenterlineCrossEntropyLoss"),
]
