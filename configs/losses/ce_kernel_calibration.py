# Cross-entropy and the calibration error of the predicted class, by a kernel.
# The authors choose its weight by cross-validation.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.KernelCalibrationLoss", loss_weight=0.1),
]
