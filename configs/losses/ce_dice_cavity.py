# Cross-entropy and Dice, with CavityLoss: it looks at the lines between cells that leak.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.CavityLoss", loss_weight=0.1),
]
