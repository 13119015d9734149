# Cross-entropy and boundary-privileged distillation. Needs a model of type
# seglosses.ExtraInputsSegmentor with a teacher.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.BoundaryDistillationLoss", loss_weight=0.1),
]
