# Poly-1 focal loss.
loss_decode = [dict(type="seglosses.Poly1FocalLoss", epsilon=1.0, gamma=2.0)]
