# Cross-entropy against a mixture of the label and the prediction.
loss_decode = [dict(type="seglosses.SoftBootstrappingLoss")]
