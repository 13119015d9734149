# Dice and half the skeleton-aware loss, which holds cross-entropy itself and weighs classes.
loss_decode = [
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.SkeletonAwareLoss", loss_weight=0.5),
]
