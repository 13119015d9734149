# Cross-entropy against a mixture of the label and the preferred class.
loss_decode = [dict(type="seglosses.HardBootstrappingLoss")]
