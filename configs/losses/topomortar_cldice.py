# clDice of TopoMortar: half Dice, half soft clDice of the batch after three erosions.
loss_decode = [
    dict(type="seglosses.DiceLoss", smooth=1e-5, classes="all", loss_weight=0.5),
    dict(type="seglosses.SoftClDiceLoss", iterations=3, compat="topomortar", loss_weight=0.5),
]
