# Cross-entropy, and once more at boundaries, where every object counts alike.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.InstanceBoundaryCrossEntropyLoss", loss_weight=0.5),
]
