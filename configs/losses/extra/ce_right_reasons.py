# Cross-entropy, and squared attributions outside of the object. Needs a model of type
# seglosses.ExtraInputsSegmentor with attribute_to='image' (or a stage). The weight is of the order
# of one over the pixels.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.RightReasonsLoss", loss_weight=1e-4),
]
