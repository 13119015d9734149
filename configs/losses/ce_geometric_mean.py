# Cross-entropy and the geometric mean of sensitivity and specificity.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.GeometricMeanLoss")]
