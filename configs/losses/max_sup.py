# Max suppression: label smoothing that never supports a wrong class.
loss_decode = [dict(type="seglosses.MaxSupLoss")]
