# Cross-entropy and Dice in which every connected component counts alike.
loss_decode = [
    dict(type="seglosses.ComponentBalancedCrossEntropyLoss"),
    dict(type="seglosses.ComponentBalancedDiceLoss"),
]
