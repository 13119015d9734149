# IoU-aware binary cross-entropy for heads that score queries or boxes.
loss_cls = dict(type="seglosses.IoUAwareBCELoss", use_sigmoid=True)
