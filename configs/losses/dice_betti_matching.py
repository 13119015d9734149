# Dice, and Betti matching at a half, the mixture of the Betti matching paper.
loss_decode = [
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.BettiMatchingLoss", loss_weight=0.5),
]
