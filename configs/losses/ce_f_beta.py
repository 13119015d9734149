# Cross-entropy and the F1 score of amplified probabilities, as a last stage.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.FBetaLoss", beta=1.0)]
