# RRWLoss of TopoMortar.
loss_decode = [
    dict(type="seglosses.RegionWiseLoss", compat="topomortar"),
]
