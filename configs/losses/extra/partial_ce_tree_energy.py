# Scribbles or points: cross-entropy of the pixels that have a label (all others are 255), and means
# along the tree of colours. Needs a model of type seglosses.ExtraInputsSegmentor (for the image).
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.TreeEnergyLoss", loss_weight=0.4),
]
