# Cross-entropy, and squared attributions outside of the object. Needs a segmentor that states
# attributions: derive from seglosses.openmmlab.extra_inputs.ExtraInputs. The weight is of the order
# of one over the pixels.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.RightReasonsLoss", loss_weight=1e-4),
]
