# Cross-entropy and Dice; late Betti matching with a weight that does not drown Dice: the loss is a
# sum over features, and images of 256 px and more have hundreds.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(
        type="seglosses.BettiMatchingLoss",
        loss_weight=dict(value=0.02, start=0.5, warmup=0.1),
    ),
]
