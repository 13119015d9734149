# Cross-entropy, and attributions that stay on the object. Needs a segmentor that states
# attributions: derive from seglosses.openmmlab.extra_inputs.ExtraInputs.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.AttributionEnergyLoss", loss_weight=0.1),
]
