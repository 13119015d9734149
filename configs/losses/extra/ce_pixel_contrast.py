# Cross-entropy, and features that cluster by class across images and batches. Needs a model of type
# seglosses.ExtraInputsSegmentor with feature_index.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.PixelContrastLoss", loss_weight=0.1),
]
