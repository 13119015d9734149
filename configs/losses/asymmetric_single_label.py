# Label smoothing whose pull fades at small probabilities.
loss_decode = [dict(type="seglosses.SingleLabelAsymmetricLoss", gamma_neg=4.0, smoothing=0.1)]
