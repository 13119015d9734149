# Cross-entropy and structural similarity at several scales, as in UNet 3+ (there with focal and IoU).
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.MultiScaleSSIMLoss"),
]
