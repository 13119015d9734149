# Long tails in two-stage heads: two channels of objectness beside those of the classes; label 255 is
# a class there, so nothing is ignored.
loss_cls = dict(type="seglosses.SeesawLoss", objectness=True, ignore_index=None)
