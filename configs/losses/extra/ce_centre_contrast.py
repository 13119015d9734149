# Cross-entropy, and features near the centres of their classes. Needs a model of type
# seglosses.ExtraInputsSegmentor with feature_index; extra_source of the data samples (1 or 0) says
# which images are of the source domain and move the centres.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.CentreContrastLoss", loss_weight=0.1),
]
