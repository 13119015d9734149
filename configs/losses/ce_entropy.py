# Cross-entropy and the entropy of the prediction, which asks for sure pixels.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.EntropyLoss", loss_weight=0.1),
]
