# Focal Tversky loss: small structures, recall before precision.
loss_decode = [dict(type="seglosses.FocalTverskyLoss", alpha=0.3, beta=0.7, gamma=0.75)]
