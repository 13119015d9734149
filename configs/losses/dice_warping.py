# Dice, and homotopy warping at a tenth.
loss_decode = [
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.WarpingLoss", loss_weight=0.1),
]
