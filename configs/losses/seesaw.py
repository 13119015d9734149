# Classes weighed by how often they were seen so far, in place of cross-entropy.
loss_decode = [dict(type="seglosses.SeesawLoss")]
