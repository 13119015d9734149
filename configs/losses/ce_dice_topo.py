# Cross-entropy and Dice, with the topological loss of Hu et al. at a hundredth.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.TopoLoss", loss_weight=0.01),
]
