# Cross-entropy, and where a teacher's channels look. Needs a model of type
# seglosses.ExtraInputsSegmentor with teacher.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.ChannelWiseDistillationLoss", loss_weight=3.0),
]
