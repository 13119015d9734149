# Cross-entropy, and logits drawn to the shares of classes around each pixel, for calibration.
loss_decode = [dict(type="seglosses.NACLLoss")]
