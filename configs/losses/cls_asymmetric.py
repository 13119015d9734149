# Asymmetric loss for dense detection heads.
loss_cls = dict(type="seglosses.AsymmetricLoss", use_sigmoid=True, ignore_index=None)
