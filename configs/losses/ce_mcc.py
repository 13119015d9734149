# Cross-entropy and Matthews' correlation: true negatives count too.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.MCCLoss")]
