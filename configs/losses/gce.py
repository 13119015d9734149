# Generalized cross-entropy, for noisy annotations.
loss_decode = [dict(type="seglosses.GeneralizedCrossEntropyLoss", q=0.7)]
