# Cross-entropy over a tree of classes; say your groups (leaf classes of each level) here.
loss_decode = [
    dict(type="seglosses.HierarchicalCrossEntropyLoss", groups=[[[0, 1]]], decay=0.5),
]
