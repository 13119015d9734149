# Jensen-Shannon divergence of prediction and label, for noisy annotations.
loss_decode = [dict(type="seglosses.JensenShannonLoss", pi=0.5)]
