# CEDice of TopoMortar: cross-entropy and Dice of all classes, absent ones too.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss", smooth=1e-5, classes="all"),
]
