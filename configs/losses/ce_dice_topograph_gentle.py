# Cross-entropy and Dice; Topograph late, with a weight that leaves it about half of the gradient on
# training crops of 256 px: 33 % on cracks, 44 % on membranes, 68 % on vessels
# (tools/gradient_shares.py).
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(
        type="seglosses.TopographLoss",
        loss_weight=dict(value=0.005, start=0.5, warmup=0.1),
    ),
]
