# CW-BASS: confidence-weighted cross-entropy, and half as much at boundaries. Under
# seglosses.ExtraInputsSegmentor with a teacher, labels and confidence are the teacher's.
loss_decode = [
    dict(type="seglosses.ConfidenceWeightedCrossEntropyLoss"),
    dict(type="seglosses.BoundaryCrossEntropyLoss", loss_weight=0.5),
]
