# Dice and the skeleton-aware loss, which holds cross-entropy itself.
loss_decode = [dict(type="seglosses.DiceLoss"), dict(type="seglosses.SkeletonAwareLoss")]
