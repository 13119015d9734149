# Cross-entropy, and attributions that stay on the object. Needs a model of type
# seglosses.ExtraInputsSegmentor with attribute_to='image' (or a stage).
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.AttributionEnergyLoss", loss_weight=0.1),
]
