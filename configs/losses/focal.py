# Focal loss: easy pixels count less.
loss_decode = [dict(type="seglosses.FocalLoss", gamma=2.0)]
