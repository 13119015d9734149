# cbDice of TopoMortar: half cross-entropy, a quarter Dice and a quarter its cbDice.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss", loss_weight=0.5),
    dict(type="seglosses.DiceLoss", smooth=1e-5, classes="all", loss_weight=0.25),
    dict(type="seglosses.CenterlineBoundaryDiceLoss", compat="topomortar", loss_weight=0.25),
]
