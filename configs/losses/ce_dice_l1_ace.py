# Cross-entropy and Dice, and the average calibration error of each image and class.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.L1ACELoss"),
]
