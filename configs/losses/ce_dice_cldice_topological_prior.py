# Cross-entropy and Dice, with half of clDice for centre lines and the Betti numbers of the label as a
# prior at a hundredth.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.SoftClDiceLoss", loss_weight=0.5),
    dict(type="seglosses.TopologicalPriorLoss", loss_weight=0.01),
]
