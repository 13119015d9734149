# Asymmetric generalized cross-entropy, for noisy annotations.
loss_decode = [dict(type="seglosses.AGCELoss")]
