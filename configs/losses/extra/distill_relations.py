# Cross-entropy, and a teacher's relations of pixels, within images and across the batch. Needs a
# model of type seglosses.ExtraInputsSegmentor with teacher.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.KLDistillationLoss"),
    dict(type="seglosses.PixelAffinityDistillationLoss"),
    dict(type="seglosses.CrossImageDistillationLoss"),
]
