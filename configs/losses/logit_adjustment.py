# Cross-entropy adjusted to the frequencies of background and foreground: set prior to those of
# your training set.
loss_decode = [dict(type="seglosses.LogitAdjustmentLoss", prior=[0.8, 0.2])]
