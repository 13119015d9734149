# Cross-entropy and log_cosh_dice.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.LogCoshDiceLoss")]
