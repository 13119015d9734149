# TOPO as published: the logits are distances to the lines, regressed and corrected at bottlenecks.
# It trains alone. Its weight is small because the loss adds up squared distances in pixels.
loss_decode = [dict(type="seglosses.MalisLoss", distance=20.0, margin=5, loss_weight=1e-3)]
