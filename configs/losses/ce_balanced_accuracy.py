# Cross-entropy and the balanced accuracy of amplified probabilities.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.BalancedAccuracyLoss"),
]
