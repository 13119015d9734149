# Cross-entropy, a teacher's logits, and its features: which pixels are alike, where those of a class
# point, and how long they are. Needs a model of type seglosses.ExtraInputsSegmentor with teacher and
# feature_index, of a stage that is as wide in both networks.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.KLDistillationLoss"),
    dict(type="seglosses.FeatureAffinityDistillationLoss"),
    dict(type="seglosses.NormDirectionDistillationLoss"),
]
