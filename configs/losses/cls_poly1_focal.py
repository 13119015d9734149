# Poly-1 focal loss for dense detection heads, with the -1 of its paper.
loss_cls = dict(
    type="seglosses.Poly1FocalLoss",
    use_sigmoid=True,
    epsilon=-1.0,
    gamma=2.0,
    alpha=0.25,
    ignore_index=None,
)
