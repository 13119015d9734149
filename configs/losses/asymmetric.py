# Asymmetric loss of independent channels.
loss_decode = [dict(type="seglosses.AsymmetricLoss", use_sigmoid=True)]
