# Asymmetric unified focal loss: region and pixels, small lesions on a large background.
loss_decode = [dict(type="seglosses.UnifiedFocalLoss")]
