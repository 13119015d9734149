# Cross-entropy and the active boundary loss. Its authors add the Lovasz loss as well.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.ActiveBoundaryLoss"),
]
