# Cross-entropy of the tenth of the pixels that costs most.
loss_decode = [dict(type="seglosses.TopKCrossEntropyLoss")]
