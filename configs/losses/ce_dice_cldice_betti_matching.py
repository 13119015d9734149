# Cross-entropy and Dice with half of clDice throughout and gentle, late Betti matching: centre lines
# first, then the features that are still wrong.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.SoftClDiceLoss", loss_weight=0.5),
    dict(
        type="seglosses.BettiMatchingLoss",
        loss_weight=dict(value=0.02, start=0.5, warmup=0.1),
    ),
]
