# Logit adjustment of rare classes, in logits and in features that cluster by class. Set prior to the
# frequencies of your classes in both. Needs a model of type seglosses.ExtraInputsSegmentor with
# feature_index.
loss_decode = [
    dict(type="seglosses.LogitAdjustmentLoss"),
    dict(type="seglosses.MixtureContrastLoss", loss_weight=0.1),
]
