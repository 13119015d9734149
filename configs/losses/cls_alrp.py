# aLRP for dense detection heads; each level of a pyramid is ranked by itself.
loss_cls = dict(type="seglosses.ALRPLoss", use_sigmoid=True)
