# GIoU loss for box heads that decode before the loss (reg_decoded_bbox=True where they have it).
loss_bbox = dict(type="seglosses.GIoULoss", loss_weight=2.0)
