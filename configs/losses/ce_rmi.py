# Cross-entropy, and mutual information of windows, half and half.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss", loss_weight=0.5),
    dict(type="seglosses.RMILoss", loss_weight=0.5),
]
