# Cross-entropy and soft Jaccard.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.JaccardLoss")]
