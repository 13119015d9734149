# Cross-entropy and boundary difference over union: contours without a distance map.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.BoundaryDoULoss")]
