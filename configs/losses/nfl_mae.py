# Normalized focal loss and mean absolute error as a list, for noisy annotations.
loss_decode = [
    dict(type="seglosses.NormalizedFocalLoss", gamma=0.5),
    dict(type="seglosses.MeanAbsoluteErrorLoss"),
]
