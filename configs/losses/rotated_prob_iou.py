# ProbIoU loss for heads of oriented boxes that decode before the loss (reg_decoded_bbox=True).
loss_bbox = dict(type="seglosses.ProbIoULoss", loss_weight=2.0)
