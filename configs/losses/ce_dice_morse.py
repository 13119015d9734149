# Cross-entropy and Dice, with MorseLoss: it looks at ridges and skeletons.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.MorseLoss", loss_weight=0.1),
]
