# BASNet's hybrid: binary cross-entropy, structural similarity and IoU of the foreground. For one
# output channel (out_channels=1) it is the published sum, safe for empty labels.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.SSIMLoss"),
    dict(type="seglosses.JaccardLoss", smooth=1e-3, classes="foreground"),
]
