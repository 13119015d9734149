# Normalized and reverse cross-entropy in one, for noisy annotations.
loss_decode = [dict(type="seglosses.ActivePassiveLoss", alpha=1.0, beta=1.0)]
