# Half Dice and half soft clDice, the mixture of the clDice paper.
loss_decode = [
    dict(type="seglosses.DiceLoss", loss_weight=0.5),
    dict(type="seglosses.SoftClDiceLoss", loss_weight=0.5),
]
