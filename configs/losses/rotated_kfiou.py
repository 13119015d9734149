# KFIoU loss for heads of oriented boxes that decode before the loss (reg_decoded_bbox=True).
loss_bbox = dict(type="seglosses.KFIoULoss", loss_weight=2.0)
