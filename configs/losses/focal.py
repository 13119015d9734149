# Focal loss: easy pixels pull less.
loss_decode = [dict(type="seglosses.FocalLoss", gamma=2.0)]
