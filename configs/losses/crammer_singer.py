# Multi-class hinge in which the worst class of a pixel counts.
loss_decode = [dict(type="seglosses.CrammerSingerLoss", margin=1.0)]
