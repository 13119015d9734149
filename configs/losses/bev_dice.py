# Dice of bird's-eye-view maps (SeaBird): independent channels, counts of the batch, and classes that
# no image holds left out instead of costing a constant 1.
loss_decode = [
    dict(
        type="seglosses.DiceLoss",
        use_sigmoid=True,
        average="dataset",
        classes="present",
        smooth=1e-5,
    ),
]
