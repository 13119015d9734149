# Cross-entropy and the accuracy of amplified probabilities, for classes of equal size.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.AccuracyLoss"),
]
