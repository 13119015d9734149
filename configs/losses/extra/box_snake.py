# BoxSnake's terms for labels that are filled boxes, with its weights. Needs a model of type
# seglosses.ExtraInputsSegmentor (for the image).
loss_decode = [
    dict(type="seglosses.BoxProjectionLoss"),
    dict(type="seglosses.LocalPairwiseLoss", loss_weight=0.5),
    dict(type="seglosses.LevelSetLoss", loss_weight=0.03),
]
