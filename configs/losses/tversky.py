# Tversky loss: a missed pixel costs more than a false one.
loss_decode = [dict(type="seglosses.TverskyLoss", alpha=0.3, beta=0.7)]
