# Half cross-entropy, a quarter Dice and a quarter cbDice, as in its paper.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss", loss_weight=0.5),
    dict(type="seglosses.DiceLoss", loss_weight=0.25),
    dict(type="seglosses.CenterlineBoundaryDiceLoss", loss_weight=0.25),
]
