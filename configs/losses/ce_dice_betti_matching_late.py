# Cross-entropy and Dice; Betti matching joins them when there is a shape to repair: off for half of
# the training, then growing to its weight over a tenth. For images of 128 px; with hundreds of features
# a weight of 0.5 drowns Dice: then ce_dice_betti_matching_gentle.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(
        type="seglosses.BettiMatchingLoss",
        loss_weight=dict(value=0.5, start=0.5, warmup=0.1),
    ),
]
