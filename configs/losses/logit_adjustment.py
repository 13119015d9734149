# Frequencies of background and foreground, to be set to those of your training set.
loss_decode = [dict(type="seglosses.LogitAdjustmentLoss", prior=[0.8, 0.2])]
