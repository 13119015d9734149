# Distance of the centres and difference of every side. For box heads that decode before the loss.
loss_bbox = dict(type="seglosses.EfficientIoULoss", loss_weight=2.0)
