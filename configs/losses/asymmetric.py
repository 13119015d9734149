# Asymmetric loss of independent channels. Weight 2 is the sum over the channels of two classes, as
# in its paper; with C channels take C.
loss_decode = [dict(type="seglosses.AsymmetricLoss", use_sigmoid=True, loss_weight=2.0)]
