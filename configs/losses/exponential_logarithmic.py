# Exponential logarithmic loss with the paper's weights: 0.8 of the Dice part, 0.2 of the pixels'.
loss_decode = [
    dict(type="seglosses.LogDiceLoss", loss_weight=0.8),
    dict(type="seglosses.ExponentialLogarithmicCrossEntropyLoss", loss_weight=0.2),
]
