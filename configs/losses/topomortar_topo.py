# TopoLoss of TopoMortar: cross-entropy, after 70 % of the training with its topological loss.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(
        type="seglosses.TopoLoss",
        window=50,
        min_length=0.03,
        compat="topomortar",
        loss_weight=dict(value=100.0, start=0.7),
    ),
]
