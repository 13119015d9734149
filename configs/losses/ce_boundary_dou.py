# Cross-entropy and boundary_dou.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.BoundaryDoULoss")]
