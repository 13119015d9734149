# Adaptive and conditional label smoothing.
loss_decode = [dict(type="seglosses.ACLSLoss")]
