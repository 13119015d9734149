# Cross-entropy of smoothed labels.
loss_decode = [dict(type="seglosses.LabelSmoothingLoss", alpha=0.1)]
