# Squentropy: cross-entropy and squares of the other logits.
loss_decode = [dict(type="seglosses.SquentropyLoss")]
