# Cross-entropy and Dice: the baseline of TopoMortar.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.DiceLoss")]
