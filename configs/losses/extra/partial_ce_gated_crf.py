# Scribbles or points: cross-entropy of the pixels that have a label (all others are 255), and likeness
# of near pixels of like colour. Needs a model of type seglosses.ExtraInputsSegmentor (for the image).
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.GatedCRFLoss", loss_weight=0.1),
]
