# Cross-entropy and Dice; Betti matching joins them when there is a shape to repair: off for half of
# the training, then growing to its weight over a tenth.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(
        type="seglosses.BettiMatchingLoss",
        loss_weight=dict(value=0.5, start=0.5, warmup=0.1),
    ),
]
