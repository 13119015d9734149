# Focal loss for dense detection heads; label 255 is a class there, so nothing is ignored.
loss_cls = dict(
    type="seglosses.FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, ignore_index=None
)
