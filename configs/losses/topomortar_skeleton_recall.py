# SkelRecall of TopoMortar: cross-entropy and skeleton recall, without Dice.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.SkeletonRecallLoss"),
]
