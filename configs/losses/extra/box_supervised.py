# Labels that are filled boxes: projections must agree, and pixels of like colour. Needs a model of
# type seglosses.ExtraInputsSegmentor (for the image).
loss_decode = [
    dict(type="seglosses.BoxProjectionLoss"),
    dict(type="seglosses.PairwiseAffinityLoss"),
]
