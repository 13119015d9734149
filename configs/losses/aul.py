# Asymmetric unhinged loss, for noisy annotations.
loss_decode = [dict(type="seglosses.AULLoss")]
