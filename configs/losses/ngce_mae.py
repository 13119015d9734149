# Normalized generalized cross-entropy and mean absolute error as a list, for noisy annotations.
loss_decode = [
    dict(type="seglosses.NormalizedGeneralizedCrossEntropyLoss", q=0.7),
    dict(type="seglosses.MeanAbsoluteErrorLoss"),
]
