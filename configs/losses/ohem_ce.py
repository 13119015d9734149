# Cross-entropy of pixels that are not sure of their label.
loss_decode = [dict(type="seglosses.OHEMCrossEntropyLoss")]
