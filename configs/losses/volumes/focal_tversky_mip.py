# SPOCKMIP, for models of volumes: focal Tversky loss of the voxels and of projections, 0.7 : 0.3.
loss_decode = [
    dict(
        type="seglosses.FocalTverskyLoss",
        alpha=0.3,
        beta=0.7,
        gamma=0.75,
        classes="foreground",
        loss_weight=0.7,
    ),
    dict(type="seglosses.MIPLoss", axes=[0, 1, 2], loss_weight=0.3),
]
