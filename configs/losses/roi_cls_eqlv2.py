# Long tails in two-stage heads: independent classes, weighed by the gradients that they had, and one
# channel of background; label 255 is a class there, so nothing is ignored.
loss_cls = dict(type="seglosses.EQLv2Loss", use_sigmoid=True, objectness=True, ignore_index=None)
