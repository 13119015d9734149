# Cross-entropy that leaves doubt where labels change, for calibration.
loss_decode = [dict(type="seglosses.SVLSLoss")]
