# RRWLoss of TopoMortar.
loss_decode = [
    dict(type="seglosses.RegionWiseLoss", classes="all", compat="topomortar"),
]
