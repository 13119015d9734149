# Cross-entropy, and features that separate the classes. Needs a model of type
# seglosses.ExtraInputsSegmentor with feature_index.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.InfoNCELoss", loss_weight=0.04),
]
