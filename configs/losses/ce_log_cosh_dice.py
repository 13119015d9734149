# Cross-entropy and log-cosh Dice: a flat end for late training.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.LogCoshDiceLoss")]
