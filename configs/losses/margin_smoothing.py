# Margin-based label smoothing: only logits that run away are priced.
loss_decode = [dict(type="seglosses.MarginSmoothingLoss")]
