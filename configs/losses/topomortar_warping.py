# Warping of TopoMortar: Dice, after 70 % of the training with a tenth of its warping loss.
loss_decode = [
    dict(type="seglosses.DiceLoss", smooth=1e-5, classes="all"),
    dict(type="seglosses.WarpingLoss", compat="topomortar", loss_weight=dict(value=0.1, start=0.7)),
]
