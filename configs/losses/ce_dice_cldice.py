# Cross-entropy, Dice and soft clDice: the centre lines must agree as well.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.SoftClDiceLoss"),
]
