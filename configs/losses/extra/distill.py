# Half label, half teacher: cross-entropy and Jaccard against the label, KL and Jaccard against a
# teacher's probabilities. Needs a model of type seglosses.ExtraInputsSegmentor with a teacher.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss", loss_weight=0.5),
    dict(type="seglosses.JaccardLoss", loss_weight=0.5),
    dict(type="seglosses.KLDistillationLoss", loss_weight=0.5),
    dict(type="seglosses.JaccardDistillationLoss", loss_weight=0.5),
]
