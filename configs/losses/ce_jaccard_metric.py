# Cross-entropy and the Jaccard metric loss, which stays exact for soft labels.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.JaccardMetricLoss")]
