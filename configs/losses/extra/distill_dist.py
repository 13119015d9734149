# Cross-entropy, and correlation with a teacher. Needs a model of type
# seglosses.ExtraInputsSegmentor with teacher.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DISTLoss"),
]
