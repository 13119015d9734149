# Cross-entropy and Dice of classes, and Dice of every object.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss", loss_weight=2.0),
    dict(type="seglosses.BlobLoss"),
]
