# Cross-entropy and mcc.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.MCCLoss")]
