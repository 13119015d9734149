# The rebalancing of the boundary loss's authors, alpha * region + (1 - alpha) * boundary: alpha falls
# from 1 to 0.01 over the training, here at every iteration instead of every epoch.
loss_decode = [
    dict(
        type="seglosses.DiceLoss",
        loss_weight=dict(value=0.01, initial=1.0, warmup=1.0),
    ),
    dict(
        type="seglosses.KervadecBoundaryLoss",
        loss_weight=dict(value=0.99, initial=0.0, warmup=1.0),
    ),
]
