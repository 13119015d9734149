# Cross-entropy and the divergence of class ratios from those of the label.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.ClassRatioKLLoss", loss_weight=0.1),
]
