# Dice and the skeleton-tolerance loss, which holds cross-entropy itself.
loss_decode = [dict(type="seglosses.DiceLoss"), dict(type="seglosses.SkeletonToleranceLoss")]
