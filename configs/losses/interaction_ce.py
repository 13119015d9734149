# Cross-entropy, raised where classes touch that must not; say your pairs here.
loss_decode = [
    dict(type="seglosses.InteractionCrossEntropyLoss", exclusion=[(0, 1)], boost=1.0),
]
