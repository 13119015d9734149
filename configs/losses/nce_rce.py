# Normalized and reverse cross-entropy as a list, for noisy annotations.
loss_decode = [
    dict(type="seglosses.NormalizedCrossEntropyLoss"),
    dict(type="seglosses.ReverseCrossEntropyLoss", loss_weight=0.1),
]
