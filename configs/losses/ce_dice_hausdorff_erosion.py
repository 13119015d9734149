# Cross-entropy, Dice and the Hausdorff loss by erosions (no distance transform; weak evidence).
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.HausdorffErosionLoss", loss_weight=0.01),
]
