# Cross-entropy, Dice and skeleton recall, as in its paper; TopoMortar leaves Dice out.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.SkeletonRecallLoss"),
]
