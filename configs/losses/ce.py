# Cross-entropy alone: the baseline of baselines.
loss_decode = [dict(type="seglosses.CrossEntropyLoss")]
