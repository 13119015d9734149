# Cross-entropy and the self-adjusting Dice of single pixels.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.SelfAdjustingDiceLoss", alpha=0.01),
]
