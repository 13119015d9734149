# Cross-entropy and generalized Dice: classes of very different volume.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.GeneralizedDiceLoss"),
]
