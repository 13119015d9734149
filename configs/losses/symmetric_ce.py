# Cross-entropy and its reverse, for noisy labels.
loss_decode = [dict(type="seglosses.SymmetricCrossEntropyLoss")]
