# Label-distributionally robust loss.
loss_decode = [dict(type="seglosses.LDRLoss")]
