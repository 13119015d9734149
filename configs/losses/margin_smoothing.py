# Margin-based label smoothing: only logits beyond a margin cost.
loss_decode = [dict(type="seglosses.MarginSmoothingLoss")]
